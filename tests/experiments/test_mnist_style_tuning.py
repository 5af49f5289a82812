"""The tuning experiment: its choice and figures, and one small sweep on Spark."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from experiments.mnist_style_tuning.choices import (
    best_of,
    comparison,
    overrides_of,
    relative_error_drop,
    width_means,
    with_setting,
)
from experiments.mnist_style_tuning.figures import draw_sensitivity, draw_wall_time
from experiments.mnist_style_tuning.sweeps import newest, run_sweep, timed_sweep
from tests.tiny import TINY
from tlx.errors import TlxError

SEARCH = pd.DataFrame(
    {
        "optimizer.lr": [1e-3, 1e-3, 2e-3, 2e-3, 4e-3, 4e-3],
        "strategy.train_stages": [1, 1, 2, 2, 4, 4],
        "val_accuracy": [0.99, 0.90, 0.96, 0.96, 0.95, 0.97],
        "val_loss": [0.1, 0.1, 0.5, 0.5, 0.3, 0.3],
        "test_accuracy": [0.9, 0.9, 0.98, 0.96, 0.98, 0.98],
    }
)


def test_best_setting_has_the_best_mean_and_the_lower_loss_among_equals() -> None:
    best = best_of(SEARCH)
    assert best == {"optimizer.lr": 4e-3, "strategy.train_stages": 4}
    assert overrides_of(best) == ["optimizer.lr=0.004", "strategy.train_stages=4"]
    assert with_setting(SEARCH, best).index.to_list() == [4, 5]


def test_relative_error_drop_is_the_share_of_the_error_that_is_gone() -> None:
    assert relative_error_drop(SEARCH[2:4], SEARCH[4:6]) == pytest.approx(1 / 3)


def test_comparison_shows_settings_accuracies_and_errors() -> None:
    table = comparison(SEARCH[2:4], SEARCH[4:6])
    assert table["test error"].to_list() == ["3.00%", "2.00%"]
    assert table["lr"].to_list() == ["0.002", "0.004"]
    assert table["test accuracy"].to_list() == ["0.9700 ± 0.0141", "0.9800 ± 0.0000"]


def widths() -> pd.DataFrame:
    names = ["shufflenet_v2_x0_5"] * 2 + ["shufflenet_v2_x1_5"]
    rates = [1e-3, 1e-3, 2e-3]
    accuracy = [0.5, 0.7, 0.9]
    frame = {"backbone": names, "optimizer.lr": rates, "test_accuracy": accuracy}
    return width_means(pd.DataFrame(frame))


def test_width_means_are_taken_over_the_seeds_of_a_width_and_rate() -> None:
    means = widths()
    assert means["width"].to_list() == [0.5, 1.5]
    assert means["test_accuracy"].to_list() == pytest.approx([0.6, 0.9])
    assert means["spread"][0] == pytest.approx(math.sqrt(0.02))


def test_sensitivity_figure_has_one_labelled_curve_per_width() -> None:
    (axes,) = draw_sensitivity(widths()).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "0.5 x width",
        "1.5 x width",
    ]
    assert axes.get_xscale() == "log"


def test_wall_time_figure_divides_the_jobs_time_perfectly_for_comparison() -> None:
    timings = pd.DataFrame({"slots": [1, 2], "wall_s": [50.0, 30.0], "jobs_s": [40.0, 22.0]})
    (axes,) = draw_wall_time(timings).axes
    ideal = next(line for line in axes.lines if line.get_label() == "perfect division")
    assert list(ideal.get_ydata()) == [40.0, 20.0]


@pytest.mark.slow
def test_timed_sweep_on_spark_is_recorded_and_not_run_again(tmp_path: Path) -> None:
    asked = [*TINY, "trainer.epochs=1", "seed=0,1"]
    timed = timed_sweep(tmp_path / "sweep", 2, asked)
    assert timed["jobs"] == 2
    assert 0 < timed["jobs_s"] <= timed["sum_s"] + timed["start_s"] < timed["wall_s"] * 2
    assert timed_sweep(tmp_path / "sweep", 2, asked) == timed
    frame = pd.read_csv(tmp_path / "sweep" / "results.csv")
    assert frame["seed"].to_list() == [0, 1]
    assert frame["test_accuracy"].between(0, 1).all()


def test_failing_sweep_is_an_error_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(TlxError, match="partail"):
        run_sweep(tmp_path / "sweep", 1, ["strategy=partail"])


def test_newest_of_a_folder_of_two_versions_is_each_combination_once() -> None:
    table = pd.DataFrame(
        {
            "number": [0, 1, 2, 3],
            "status": ["completed"] * 4,
            "seed": [0, 1, 0, 1],
            "val_samples": [300.0] * 4,
            "val_accuracy": [0.1, 0.2, 0.3, 0.4],
        }
    )
    assert newest(table)["val_accuracy"].tolist() == [0.3, 0.4]
    assert newest(table.head(2)).equals(table.head(2))
