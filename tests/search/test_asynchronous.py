"""Searches with a launcher that takes single jobs: one Spark session for all of them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

from tests.search import search_jobs
from tests.search.conftest import Search
from tests.search.test_sweeper import results, trials
from tlx.search.progress import SearchError

SPARK = ("hydra.launcher.master='local[2]'", "hydra.launcher.preload=[]")


def records(folder: Path) -> list[dict[str, Any]]:
    jobs = sorted(folder.glob("*/job.json"), key=lambda path: int(path.parent.name))
    return [json.loads(path.read_text()) for path in jobs]


def test_hopeless_jobs_are_stopped_and_told_as_pruned(search: Search) -> None:
    options = (
        "x=0.9,0.8,0.1,0.2,0.3,0.7",
        "hydra.sweeper.sampler=grid",
        "hydra.sweeper.pruner=median",
        "hydra.sweeper.pruner_options={n_startup_trials: 2}",
        "hydra.sweeper.poll_s=0.1",
    )
    started = time.perf_counter()
    folder = search(search_jobs.train, *SPARK, *options, launcher="spark")
    seconds = time.perf_counter() - started
    ended = {one.params["x"]: one for one in trials(folder)}
    assert {x: one.state.name for x, one in ended.items()} == {
        **dict.fromkeys((0.9, 0.8, 0.7), "COMPLETE"),
        **dict.fromkeys((0.1, 0.2, 0.3), "PRUNED"),
    }
    assert ended[0.9].intermediate_values == {n: pytest.approx(0.09 * n) for n in range(1, 11)}
    assert 1 <= len(ended[0.1].intermediate_values) < 10
    told = {one["overrides"][0]: one for one in records(folder)}
    assert told["x=0.1"]["status"] == "cancelled"
    assert told["x=0.1"]["reason"] == "pruned: val_accuracy is hopeless"
    assert told["x=0.1"]["seconds"] < 8
    assert results(folder)["best_params"] == {"x": 0.9}
    assert results(folder)["trials"] == {"completed": 3, "pruned": 3, "failed": 0, "open": 0}
    assert seconds < 60
    before = records(folder)
    search(search_jobs.train, *SPARK, *options, launcher="spark")
    assert records(folder) == before
