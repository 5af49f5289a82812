"""Every end a job can have, on the masters a laptop can have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra.core.utils import JobStatus

from tests.spark import spark_jobs
from tlx.spark.errors import RemoteJobError, RemoteTraceback

# kind of end: status, exit code, signal, and words of the error or the reason
MATRIX: dict[str, tuple[str, int | None, int | None, str]] = {
    "return": ("completed", 0, None, ""),
    "raise": ("failed", 1, None, "ValueError: a bad value"),
    "two": ("failed", 1, None, "TwoArgumentsError: 7: lost on the way"),
    "unpicklable_exception": ("failed", 1, None, "UnpicklableError: with a lock"),
    "unpicklable_return": ("failed", 1, None, "cannot be pickled"),
    "large_return": ("failed", 1, None, "too large: 3.0 MB"),
    "exit": ("failed", 17, None, "exit code 17"),
    "kill": ("killed", None, 9, "signal 9, likely out of memory"),
    "segfault": ("killed", None, 11, "SIGSEGV"),
    "sys_exit": ("failed", 3, None, "SystemExit: 3"),
    "sys_exit_zero": ("completed", 0, None, ""),
    "out_of_memory": ("failed", 1, None, "MemoryError"),
    "hang": ("timed_out", None, None, "timeout_s=4"),
    "leave_when_stopped": ("timed_out", None, None, "timeout_s=4"),
}
OPTIONS = (
    "hydra.launcher.timeout_s=4",
    "hydra.launcher.grace_s=0.5",
    "hydra.launcher.max_return_mb=2",
)


def check_matrix(done: Any) -> None:
    assert done.error is None
    assert len(done.returns) == len(MATRIX)
    table = pd.read_csv(done.folder / "results.csv")
    for number, (kind, (status, exit_code, signal, words)) in enumerate(MATRIX.items()):
        record = json.loads((done.folder / str(number) / "job.json").read_text())
        assert record["overrides"] == [f"kind={kind}"]
        assert (record["status"], record["exit_code"], record["signal"]) == (
            status,
            exit_code,
            signal,
        )
        assert words in (record["error"] or record["reason"] or "")
        assert record["attempt"] == 0, "a user's crash is attempted once"
        assert record["host"]
        assert record["peak_memory_mb"] > 1
        assert table["status"][number] == status
        assert f"about to {kind}" in (done.folder / str(number) / "stdout.log").read_text()
        returned = done.returns[number]
        assert returned.overrides == [f"kind={kind}"]
        expected = JobStatus.COMPLETED if status == "completed" else JobStatus.FAILED
        assert returned.status == expected


@pytest.mark.parametrize("isolation", ["fork", "subprocess"])
def test_crash_matrix_on_local_every_job_is_told(sweep: Callable[..., Any], isolation: str) -> None:
    kinds = f"kind={','.join(MATRIX)}"
    done = sweep(spark_jobs.end, kinds, f"hydra.launcher.isolation={isolation}", *OPTIONS)
    check_matrix(done)
    completed, raised, two = done.returns[:3]
    assert completed.return_value == {"score": 1.5}
    with pytest.raises(ValueError, match="a bad value") as caught:
        _ = raised.return_value
    assert isinstance(caught.value.__cause__, RemoteTraceback)
    assert 'raise ValueError("a bad value")' in str(caught.value.__cause__)
    with pytest.raises(RemoteJobError, match=r"^.*spark_jobs.TwoArgumentsError: 7: lost"):
        _ = two.return_value
    assert done.returns[list(MATRIX).index("sys_exit_zero")].return_value is None
    hanging = (done.folder / str(list(MATRIX).index("hang")) / "pids").read_text().split()
    assert not [pid for pid in hanging if is_running(int(pid))], "orphans"


@pytest.mark.slow
def test_crash_matrix_on_local_cluster_every_job_is_told(sweep: Callable[..., Any]) -> None:
    master = "hydra.launcher.master='local-cluster[2,1,1024]'"
    check_matrix(sweep(spark_jobs.end, f"kind={','.join(MATRIX)}", master, *OPTIONS))


def test_isolation_none_raise_is_told(sweep: Callable[..., Any]) -> None:
    kinds = "kind=return,sys_exit_zero,raise,sys_exit,two"
    done = sweep(spark_jobs.end, kinds, "hydra.launcher.isolation=none")
    expected = 2 * [JobStatus.COMPLETED] + 3 * [JobStatus.FAILED]
    assert [one.status for one in done.returns] == expected


def test_exit_without_a_fault_under_debug_completes_and_later_jobs_run(
    sweep: Callable[..., Any],
) -> None:
    done = sweep(spark_jobs.end, "kind=sys_exit_zero,sys_exit,return", launcher="debug")
    assert done.error is None
    expected = [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.COMPLETED]
    assert [one.status for one in done.returns] == expected
    assert done.returns[0].return_value is None


def test_fail_fast_job_fails_rest_is_cancelled(sweep: Callable[..., Any]) -> None:
    options = ("hydra.launcher.fail_fast=true", "hydra.launcher.parallelism=1")
    done = sweep(spark_jobs.end, "kind=return,raise,tidy,hang", *options)
    table = pd.read_csv(done.folder / "results.csv")
    assert list(table["status"]) == ["completed", "failed", "cancelled", "cancelled"]
    assert table["error"][2] == "fail_fast: job 1 failed"


def test_fail_fast_running_job_is_asked_to_stop(sweep: Callable[..., Any]) -> None:
    done = sweep(spark_jobs.end, "kind=tidy,raise", "hydra.launcher.fail_fast=true")
    table = pd.read_csv(done.folder / "results.csv")
    assert list(table["status"]) == ["cancelled", "failed"]
    assert (done.folder / "0" / "tidied").exists() or not (done.folder / "0" / "pids").exists()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
