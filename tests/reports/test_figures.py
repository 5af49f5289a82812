from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tlx.reports.figures import (
    confusion_matrix_figure,
    draw_confusion_matrix,
    draw_learning_curves,
    learning_curves_figure,
    write_png,
)


def _names(classes: int) -> list[str]:
    return [f"class {index}" for index in range(classes)]


def _matrix(classes: int) -> list[list[int]]:
    matrix = np.random.default_rng(0).poisson(2, (classes, classes))
    matrix[np.diag_indices(classes)] += 100
    rows: list[list[int]] = matrix.tolist()
    return rows


def _history(epochs: int, best: int) -> list[dict[str, float]]:
    return [
        {
            "epoch": epoch,
            "train_loss": 1.0 / epoch,
            "val_loss": 1.2 / epoch,
            "val_accuracy": 0.9 - 0.01 * abs(epoch - best),
            "learning_rate": 1e-3 / epoch,
        }
        for epoch in range(1, epochs + 1)
    ]


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=1)
        grey = np.asarray(image.convert("L"))
        assert grey.min() < 100  # something is drawn
        assert grey.max() == 255
        return image.size


@pytest.mark.parametrize(("classes", "inches"), [(2, 3.5), (10, 3.5), (20, 7.0), (37, 7.0)])
def test_confusion_matrix_figure_writes_png_of_column_width(
    tmp_path: Path, classes: int, inches: float
) -> None:
    path = tmp_path / "new folder" / "confusion.png"
    confusion_matrix_figure(_matrix(classes), _names(classes), path)
    width, height = _size(path)
    assert width == pytest.approx(inches * 300, rel=0.1)
    assert 0.7 < height / width < 1.1
    assert [found.name for found in path.parent.iterdir()] == ["confusion.png"]


def test_draw_confusion_matrix_few_classes_writes_counts_and_names() -> None:
    figure = draw_confusion_matrix([[8, 2], [0, 5]], ["cat", "dog"])
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["8", "2", "0", "5"]
    assert [text.get_position() for text in axes.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert axes.get_xlabel() == "predicted class"
    assert axes.get_ylabel() == "true class"


def test_draw_confusion_matrix_rows_are_normalised_and_empty_rows_white() -> None:
    figure = draw_confusion_matrix([[8, 2, 0], [0, 5, 0], [0, 0, 0]], ["a", "b", "c"])
    shares = figure.axes[0].images[0].get_array()
    assert shares is not None
    expected = np.array([[0.8, 0.2, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(np.asarray(shares), expected)


def test_draw_confusion_matrix_many_classes_leaves_counts_out() -> None:
    assert len(draw_confusion_matrix(_matrix(20), _names(20)).axes[0].texts) == 400
    figure = draw_confusion_matrix(_matrix(21), _names(21))
    assert len(figure.axes[0].texts) == 0
    assert len(figure.axes[0].get_yticklabels()) == 21


def test_draw_confusion_matrix_hundred_classes_names_every_second() -> None:
    axes = draw_confusion_matrix(_matrix(100), _names(100)).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"class {index}" for index in range(0, 100, 2)]


def test_confusion_matrix_figure_odd_names_are_drawn_as_text(tmp_path: Path) -> None:
    names = ["$\\frac{", "x" * 80]  # the first is no valid formula
    confusion_matrix_figure([[1, 0], [0, 1]], names, tmp_path / "confusion.png")
    assert _size(tmp_path / "confusion.png")[0] < 1.1 * 3.5 * 300
    labels = draw_confusion_matrix([[1, 0], [0, 1]], names).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["$\\frac{", "x" * 23 + "…"]


def test_draw_confusion_matrix_names_not_fitting_raises() -> None:
    with pytest.raises(ValueError, match=r"\(2, 2\) does not fit 3 class names"):
        draw_confusion_matrix([[1, 0], [0, 1]], ["a", "b", "c"])


@pytest.mark.parametrize("epochs", [1, 2, 30, 100])
def test_learning_curves_figure_writes_png_of_column_width(tmp_path: Path, epochs: int) -> None:
    path = tmp_path / "curves.png"
    learning_curves_figure(_history(epochs, best=1), path)
    width, height = _size(path)
    assert width == pytest.approx(3.5 * 300, rel=0.05)
    assert height == pytest.approx(4.4 * 300, rel=0.05)


def _legend(figure: Figure, panel: int) -> list[str]:
    legend = figure.axes[panel].get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def test_draw_learning_curves_panels_hold_the_history() -> None:
    history = pd.DataFrame(_history(6, best=4))
    figure = draw_learning_curves(history.sample(frac=1, random_state=0))
    loss, accuracy, rate = figure.axes
    for axes, line, column, scale in (
        (loss, 0, "train_loss", 1),
        (loss, 1, "val_loss", 1),
        (accuracy, 0, "val_accuracy", 100),
        (rate, 0, "learning_rate", 1),
    ):
        drawn = axes.lines[line]
        np.testing.assert_allclose(np.asarray(drawn.get_xdata()), history["epoch"])
        np.testing.assert_allclose(np.asarray(drawn.get_ydata()), scale * history[column])
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "loss (nats)",
        "validation accuracy (%)",
        "learning rate",
    ]
    assert rate.get_xlabel() == "epoch"
    assert _legend(figure, 0) == ["training", "validation", "best epoch (4)"]
    assert _legend(figure, 1) == ["90.0 % at epoch 4"]


def test_draw_learning_curves_tie_marks_first_and_given_epoch_wins() -> None:
    history = [{**row, "val_accuracy": 0.5} for row in _history(3, best=1)]
    assert _legend(draw_learning_curves(history), 0)[-1] == "best epoch (1)"
    assert _legend(draw_learning_curves(history, best_epoch=3), 0)[-1] == "best epoch (3)"


def test_draw_learning_curves_no_validation_marks_no_epoch() -> None:
    history = [
        {**row, "val_accuracy": math.nan, "val_loss": math.nan} for row in _history(3, best=1)
    ]
    figure = draw_learning_curves(history)
    assert _legend(figure, 0) == ["training", "validation"]
    assert np.size(figure.axes[1].lines[0].get_xdata()) == 0


def test_draw_learning_curves_validation_every_second_epoch_joins_measured() -> None:
    history = _history(5, best=3)
    for row in history[::2]:
        row["val_accuracy"] = math.nan
    drawn = draw_learning_curves(history).axes[1].lines[0]
    np.testing.assert_array_equal(drawn.get_xdata(), [2, 4])


def test_draw_learning_curves_unfit_history_raises() -> None:
    with pytest.raises(ValueError, match="no epochs"):
        draw_learning_curves([])
    with pytest.raises(ValueError, match="lacks the columns val_loss, learning_rate"):
        draw_learning_curves([{"epoch": 1, "train_loss": 1.0, "val_accuracy": 0.1}])
    with pytest.raises(ValueError, match="best_epoch=9"):
        draw_learning_curves(_history(3, best=1), best_epoch=9)


def test_write_png_failing_leaves_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")
    figure = draw_learning_curves(_history(1, best=1))

    def half_written(file: Path, **options: object) -> None:
        file.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", half_written)
    with pytest.raises(OSError, match="disk full"):
        write_png(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_figures_module_leaves_pyplot_unloaded() -> None:
    code = "import sys, tlx.reports.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
