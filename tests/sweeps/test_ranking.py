from __future__ import annotations

import math
import statistics

import pytest

from tlx.errors import TlxError
from tlx.sweeps.ranking import rank, shown_metrics
from tlx.sweeps.record import JobRecord


def job(lr: str, seed: int, accuracy: float, **metrics: float) -> JobRecord:
    return JobRecord(
        number=seed,
        overrides=["strategy=partial", f"lr={lr}", f"seed={seed}"],
        status="completed",
        metrics={"val_accuracy": accuracy, **metrics},
    )


def test_rank_groups_over_seeds_and_puts_the_best_mean_first() -> None:
    low, high = [0.5, 0.625, 0.25], [0.75, 0.5]
    records = [job("1e-5", seed, value) for seed, value in enumerate(low)]
    records += [job("1e-2", seed, value) for seed, value in enumerate(high)]
    ranking = rank(records, ["val_accuracy"], minimize=False)
    assert ranking.shared == ("strategy=partial",)
    assert ranking.table.to_dict("list") == {
        "rank": [1, 2],
        "lr": ["0.01", "1e-05"],
        "n": [2, 3],
        "val_accuracy": [
            f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"
            for values in (high, low)
        ],
    }
    assert rank(records, ["val_accuracy"], minimize=True).table["lr"].to_list() == ["1e-05", "0.01"]


def test_rank_shows_further_metrics_beside_the_first() -> None:
    records = [job("1", 0, 0.5, test=0.25), job("1", 1, 0.5, test=0.75), job("2", 0, 0.75)]
    table = rank(records, ["val_accuracy", "test"], minimize=False).table
    assert table["lr"].to_list() == ["2", "1"]
    assert table["test"].to_list() == ["", "0.5000 ± 0.3536"]


def test_rank_leaves_out_failed_jobs_and_those_that_diverged() -> None:
    failed = job("1", 5, 0.99)
    failed.status = "failed"
    records = [job("1", 0, 0.5), job("1", 1, math.nan), job("2", 0, math.inf), failed]
    ranking = rank(records, ["val_accuracy"], minimize=False)
    assert ranking.left_out == 2
    assert ranking.table.to_dict("list") == {
        "rank": [1], "lr": ["1"], "n": [1], "val_accuracy": ["0.5000"]
    }  # fmt: skip


def test_rank_of_seeds_alone_is_one_row() -> None:
    records = [JobRecord(n, [f"seed={n}"], status="completed", return_value=n) for n in range(3)]
    table = rank(records, ["return_value"], minimize=False).table
    assert table.to_dict("list") == {"rank": [1], "n": [3], "return_value": ["1.0000 ± 1.0000"]}


def test_rank_by_an_unknown_metric_is_an_error() -> None:
    with pytest.raises(TlxError, match=r"--metric val_acuracy: no complete job has this metric"):
        rank([job("1", 0, 0.5)], ["val_acuracy"], minimize=False)
    with pytest.raises(TlxError, match="Did you mean 'val_accuracy'"):
        rank([job("1", 0, 0.5)], ["val_acuracy"], minimize=False)
    with pytest.raises(TlxError, match="No job is complete"):
        rank([JobRecord(0)], ["loss"], minimize=False)


def test_shown_metrics_prefers_the_score_to_choose_by() -> None:
    tlx = job("1", 0, 0.5, test_accuracy=0.5, test_loss=1.0)
    assert shown_metrics([tlx]) == ["val_accuracy", "test_accuracy"]
    other = JobRecord(0, status="completed", return_value=1, metrics={"loss": 0.5})
    assert shown_metrics([other]) == ["return_value"]
    other.return_value = [1, 2]
    assert shown_metrics([other]) == ["loss"]
    assert shown_metrics([JobRecord(0, status="failed", metrics={"loss": 0.5})]) == []


def test_shown_metrics_of_regressions_are_r2_first() -> None:
    scores = {"val_r2": 0.5, "val_rmse": 2.0, "test_r2": 0.25, "test_rmse": 3.0}
    record = JobRecord(number=0, overrides=["lr=1"], status="completed", metrics=scores)
    assert shown_metrics([record]) == ["val_r2", "test_r2", "test_rmse"]
