from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tlx.reports.path_figure import draw_path_curves, path_curves_figure

HISTORY = pd.DataFrame(
    {
        "point": [1, 2, 3],
        "penalty": [100.0, 1.0, 10.0],
        "train_loss": [0.3, 0.1, 0.2],
        "val_loss": [0.6, 0.5, 0.4],
        "val_accuracy": [0.7, 0.8, 0.9],
    }
)


def test_draw_path_curves_orders_the_points_by_strength_and_marks_the_kept_one() -> None:
    loss, accuracy = draw_path_curves(HISTORY, best_point=3).axes
    assert accuracy.get_xscale() == "log"
    assert accuracy.get_xlabel() == "penalty"
    np.testing.assert_allclose(np.asarray(loss.lines[0].get_xdata()), [1, 10, 100])
    np.testing.assert_allclose(np.asarray(loss.lines[0].get_ydata()), [0.1, 0.2, 0.3])
    np.testing.assert_allclose(np.asarray(loss.lines[1].get_ydata()), [0.5, 0.4, 0.6])
    np.testing.assert_allclose(np.asarray(accuracy.lines[0].get_ydata()), [80, 90, 70])
    legend = accuracy.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["kept: 10 (90.0 %)"]


def test_draw_path_curves_leaves_out_what_was_not_measured() -> None:
    history = HISTORY.rename(columns={"penalty": "neighbours"}).assign(train_loss=np.nan)
    loss, accuracy = draw_path_curves(history, best_point=1).axes
    assert accuracy.get_xlabel() == "number of neighbours"
    np.testing.assert_allclose(np.asarray(loss.lines[0].get_ydata()), [0.5, 0.4, 0.6])


def test_path_curves_figure_writes_png_of_column_width(tmp_path: Path) -> None:
    path_curves_figure(HISTORY, tmp_path / "path.png", best_point=1)
    with Image.open(tmp_path / "path.png") as image:
        assert image.width == pytest.approx(3.5 * 300, rel=0.05)


def test_draw_path_curves_of_an_unknown_point_raises() -> None:
    with pytest.raises(ValueError, match="no point 7"):
        draw_path_curves(HISTORY, best_point=7)
