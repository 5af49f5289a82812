"""Searches with a launcher that takes single jobs: one Spark session for all of them."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

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
        "x=0.9,0.8,0.1,0.2,0.3,0.95",
        "hydra.sweeper.sampler=grid",
        "hydra.sweeper.pruner=median",
        "+hydra.sweeper.pruner_options.n_startup_trials=2",
        "hydra.sweeper.poll_s=0.1",
    )
    folder = search(search_jobs.train, *SPARK, *options, launcher="spark")
    ended = {one.params["x"]: one for one in trials(folder)}
    assert {x: one.state.name for x, one in ended.items()} == {
        **dict.fromkeys((0.9, 0.8, 0.95), "COMPLETE"),
        **dict.fromkeys((0.1, 0.2, 0.3), "PRUNED"),
    }
    assert ended[0.9].intermediate_values == {n: pytest.approx(0.09 * n) for n in range(1, 11)}
    assert 1 <= len(ended[0.1].intermediate_values) < 10
    told = {one["overrides"][0]: one for one in records(folder)}
    assert told["x=0.1"]["status"] == "cancelled"
    assert told["x=0.1"]["reason"] == "pruned: val_accuracy is hopeless"
    assert results(folder)["best_params"] == {"x": 0.95}
    assert results(folder)["trials"] == {"completed": 3, "pruned": 3, "failed": 0, "open": 0}
    before = records(folder)
    search(search_jobs.train, *SPARK, *options, launcher="spark")
    assert records(folder) == before


def test_freed_slot_gets_the_next_trial_while_another_job_runs(
    search: Search, tmp_path: Path
) -> None:
    options = ("x=10,0.1,-1,0.2", "hydra.sweeper.sampler=grid")
    with pytest.raises(SearchError, match=r"1 of 4 trials failed \(2\)"):
        search(search_jobs.nap, *SPARK, *options, launcher="spark")
    folder = tmp_path / "found"
    long, *short = records(folder)
    assert [one["status"] for one in short] == ["completed", "failed", "completed"]
    assert all(one["finished_at"] < long["finished_at"] for one in short)
    assert [one.state.name for one in trials(folder)] == ["COMPLETE"] * 2 + ["FAIL", "COMPLETE"]
    assert results(folder)["best_params"] == {"x": 10}


def test_interrupted_search_stops_its_jobs_and_goes_on_later(
    search: Search, tmp_path: Path
) -> None:
    options = ("x=0.1,2,2.5,0.2", "hydra.sweeper.sampler=grid")
    folder = tmp_path / "found"
    thread = threading.Thread(target=interrupt_once_running, args=(folder / "2" / "job.json",))
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        search(search_jobs.nap, *SPARK, *options, launcher="spark")
    thread.join()
    assert [one.state.name for one in trials(folder)] == ["COMPLETE", "RUNNING", "RUNNING"]
    assert [one["status"] for one in records(folder)] == ["completed", "cancelled", "cancelled"]
    assert results(folder)["trials"]["open"] == 2
    first = records(folder)[0]
    search(search_jobs.nap, *SPARK, *options, launcher="spark")
    assert [one.value for one in trials(folder)] == [0.1, 2, 2.5, 0.2]
    assert [one["overrides"] for one in records(folder)] == [
        ["x=0.1"],
        ["x=2"],
        ["x=2.5"],
        ["x=0.2"],
    ]
    assert records(folder)[0] == first


def interrupt_once_running(record: Path) -> None:
    for _ in range(600):
        if record.is_file() and json.loads(record.read_text())["status"] == "running":
            break
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)
