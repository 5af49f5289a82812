"""A job that reaches for descriptors or leaves processes behind harms itself at most."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.spark import stray_jobs
from tests.spark.test_crash_matrix import is_running
from tests.spark.test_stop_and_resume import wait_for
from tlx.spark.launcher import watch

SPOILT = "the job's end cannot be read: something else was written to the descriptor"
ENDS = {
    "nothing": ("completed", ""),
    "write_to_3_to_255": ("completed", ""),
    "write_to_all": ("failed", SPOILT),
    "write_to_all_and_die": ("failed", SPOILT),
    "close_all": ("completed", ""),
    "leave_a_daemon": ("completed", ""),
}


def record_of(folder: Path, number: int) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / str(number) / "job.json").read_text())
    return read


@pytest.mark.parametrize("isolation", ["fork", "subprocess"])
def test_job_that_writes_to_or_closes_all_descriptors_harms_only_itself(
    sweep: Callable[..., Any], isolation: str
) -> None:
    done = sweep(
        stray_jobs.reach,
        f"kind={','.join(ENDS)},nothing",
        f"hydra.launcher.isolation={isolation}",
    )
    assert done.error is None
    for number, (kind, (status, words)) in enumerate(ENDS.items()):
        record = record_of(done.folder, number)
        assert (kind, record["status"]) == (kind, status)
        assert words in (record["error"] or "")
    assert record_of(done.folder, 3)["exit_code"] == 5
    assert [one.return_value for one in done.returns if one.status.name == "COMPLETED"] == 5 * [
        "well"
    ]
    closed = done.folder / str(list(ENDS).index("close_all"))
    assert [path.stat().st_size for path in sorted(closed.glob("own-*"))] == [0, 0, 0]
    assert not is_running(left_by(done.folder, list(ENDS).index("leave_a_daemon")))


def test_forked_job_inherits_neither_descriptors_nor_signals_nor_spark(
    sweep: Callable[..., Any],
) -> None:
    done = sweep(stray_jobs.reach, "kind=tell", "+y=0,1")
    first, second = (one.return_value for one in done.returns)
    descriptors = first["descriptors"]
    assert [descriptors.pop(number) for number in (0, 1, 2, 1000)] == [
        "null",
        "file",
        "file",
        "pipe",
    ]
    # the job's own log, the list of descriptors as it was read; /dev/null in all other places
    assert sorted(set(descriptors.values()) - {"null"}) in (["closed", "file"], ["closed"])
    assert (first["stdin"], first["mask"]) == ("", [])
    assert set(first["ignored"]) == {signal.SIGPIPE, signal.SIGXFSZ}
    assert set(first["spark"]) <= {"SPARK_HOME", "SPARK_CONF_DIR"}
    assert first["drawn"] != second["drawn"]
    assert (done.folder / "0" / "at_exit").exists()


def test_daemon_of_a_job_that_hangs_or_kills_its_worker_ends_and_the_slot_is_free(
    sweep: Callable[..., Any],
) -> None:
    kinds = "kind=leave_a_daemon_and_hang,leave_a_daemon_and_kill_the_worker,nothing"
    limits = ("hydra.launcher.timeout_s=5", "hydra.launcher.grace_s=0.5")
    done = sweep(stray_jobs.reach, kinds, *limits, "hydra.launcher.parallelism=1")
    hung, killed, after = (record_of(done.folder, number) for number in range(3))
    assert (hung["status"], hung["reason"]) == ("timed_out", "longer than timeout_s=5")
    assert killed["status"] == "lost"
    assert "Spark lost the worker or executor" in killed["reason"]
    assert after["status"] == "completed"
    assert not [number for number in (0, 1) if is_running(left_by(done.folder, number))]


def test_stopped_worker_is_ended_by_the_driver_and_the_slot_is_free(
    sweep: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MARGIN_S", 0.5)
    limits = ("hydra.launcher.timeout_s=3", "hydra.launcher.grace_s=0.1")
    done = sweep(stray_jobs.reach, "kind=stop_the_worker,nothing", "+y=0,1,2", *limits)
    records = [record_of(done.folder, number) for number in range(6)]
    assert [one["status"] for one in records] == 3 * ["timed_out"] + 3 * ["completed"]
    assert records[0]["reason"] == (
        "longer than timeout_s=3; its worker was stopped or hung and did not end it, so Spark was "
        "told to kill the worker"
    )
    stopped = (done.folder / "0" / "pids").read_text().split()
    wait_for(lambda: not any(is_running(int(pid)) for pid in stopped))
    assert not [*done.folder.glob("*/.running")]


def left_by(folder: Path, number: int) -> int:
    return int((folder / str(number) / "pids").read_text())
