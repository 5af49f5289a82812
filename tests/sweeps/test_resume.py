from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tlx.runs.result import Result
from tlx.sweeps.record import JobRecord, Status, code_version, write_job
from tlx.sweeps.resume import EarlierJobs, JobDecision, PlannedJob, next_number, warnings_of


class Claimed(NamedTuple):
    steps: tuple[JobDecision, ...]
    warnings: tuple[str, ...]


def claimed(folder: Path, jobs: Sequence[PlannedJob], retry_failed: bool) -> Claimed:
    earlier = EarlierJobs(folder)
    steps = earlier.claim(jobs, retry_failed)
    return Claimed(steps, tuple(warnings_of(steps, earlier.unclaimed())))


def planned(*hashes: str) -> list[PlannedJob]:
    return [PlannedJob(number, [f"a={one}"], one) for number, one in enumerate(hashes)]


def stored(folder: Path, number: int, config_hash: str, status: Status = "completed") -> JobRecord:
    record = JobRecord(number, config_hash=config_hash, status=status, code_version=code_version())
    write_job(folder / str(number), record)
    return record


def actions(folder: Path, jobs: list[PlannedJob], retry_failed: bool = False) -> list[str]:
    steps = claimed(folder, jobs, retry_failed).steps
    assert [step.job for step in steps] == jobs
    return [f"{step.action} {step.number}" for step in steps]


def test_claim_of_a_new_folder_runs_every_job_by_its_own_number(tmp_path: Path) -> None:
    assert actions(tmp_path / "new", planned("x", "y")) == ["run 0", "run 1"]
    plan = claimed(tmp_path / "new", planned("x"), False)
    assert plan.warnings == ()
    assert (plan.steps[0].folder, plan.steps[0].record) == (None, None)


def test_claim_of_a_later_batch_keeps_hydras_numbers(tmp_path: Path) -> None:
    stored(tmp_path, 0, "x")
    jobs = [PlannedJob(1, [], "y"), PlannedJob(2, [], "z")]
    assert actions(tmp_path, jobs) == ["run 1", "run 2"]


def test_claim_skips_a_complete_job_with_its_record_and_number(tmp_path: Path) -> None:
    record = JobRecord(4, config_hash="y", status="completed", return_value=0.5)
    write_job(tmp_path / "4", record)
    step = claimed(tmp_path, planned("x", "y"), False).steps[1]
    assert (step.action, step.number, step.record) == ("skip", 4, record)
    assert step.folder == tmp_path / "4"


def test_claim_never_gives_a_number_that_was_used(tmp_path: Path) -> None:
    stored(tmp_path, 0, "x")
    stored(tmp_path, 1, "old")
    (tmp_path / "5").mkdir()  # a folder of a job that left nothing
    assert actions(tmp_path, planned("new", "x", "newer")) == ["run 6", "skip 0", "run 7"]
    assert next_number(tmp_path) == 6


def test_next_number_counts_records_in_folders_of_other_names(tmp_path: Path) -> None:
    assert next_number(tmp_path / "missing") == 0
    assert next_number(tmp_path) == 0
    write_job(tmp_path / "a=1", JobRecord(3))
    (tmp_path / "results.csv").touch()
    assert next_number(tmp_path) == 4


@pytest.mark.parametrize("status", ["queued", "running", "killed", "lost", "cancelled"])
def test_claim_takes_up_a_stopped_job_in_its_own_number(status: Status, tmp_path: Path) -> None:
    stored(tmp_path, 2, "x", status)
    assert actions(tmp_path, planned("x")) == ["run 2"]
    Result(status="running").write(tmp_path / "2")
    assert actions(tmp_path, planned("x")) == ["continue 2"]


@pytest.mark.parametrize("status", ["failed", "timed_out"])
def test_claim_runs_a_failed_job_again_only_if_asked(status: Status, tmp_path: Path) -> None:
    stored(tmp_path, 0, "x", status)
    assert actions(tmp_path, planned("x")) == ["failed 0"]
    assert claimed(tmp_path, planned("x"), False).warnings == (
        "1 job failed before, not run again; retry_failed=true does that.",
    )
    assert actions(tmp_path, planned("x"), retry_failed=True) == ["run 0"]
    Result(status="failed").write(tmp_path / "0")
    assert actions(tmp_path, planned("x"), retry_failed=True) == ["continue 0"]
    assert claimed(tmp_path, planned("x"), True).warnings == ()


def test_claim_of_a_run_that_ended_after_its_driver_skips_it(tmp_path: Path) -> None:
    stored(tmp_path, 0, "x", "running")
    Result(status="completed", metrics={"val": {"accuracy": 0.5}}).write(tmp_path / "0")
    step = claimed(tmp_path, planned("x"), False).steps[0]
    assert step.action == "skip"
    assert step.record is not None
    assert step.record.return_value == 0.5


def test_claim_of_two_equal_jobs_gives_each_a_record_of_its_own(tmp_path: Path) -> None:
    stored(tmp_path, 0, "x", "killed")
    stored(tmp_path, 1, "x")
    assert actions(tmp_path, planned("x", "x", "x")) == ["skip 1", "run 0", "run 2"]


def test_earlier_jobs_are_read_once_and_claimed_once(tmp_path: Path) -> None:
    stored(tmp_path, 0, "x")
    stored(tmp_path, 1, "y")
    earlier = EarlierJobs(tmp_path)
    stored(tmp_path, 2, "z")  # a job of this program's own
    told = [earlier.claim([PlannedJob(2, [], one)], False)[0] for one in ("z", "x", "x")]
    assert [f"{step.action} {step.number}" for step in told] == ["run 2", "skip 0", "run 3"]
    assert [record.number for record in earlier.unclaimed()] == [1]


def test_claim_without_a_hash_recognises_nothing(tmp_path: Path) -> None:
    stored(tmp_path, 0, "")
    assert actions(tmp_path, planned("")) == ["run 1"]


def test_claim_reports_another_code_version_and_jobs_left_alone(tmp_path: Path) -> None:
    for number, version in enumerate(["0.0.1", "0.0.1", code_version(), None, "0.0.1"]):
        record = JobRecord(number, config_hash=f"{number}", status="completed")
        record.code_version = version
        write_job(tmp_path / str(number), record)
    assert claimed(tmp_path, planned("0", "1", "2", "3"), False).warnings == (
        f"2 of 4 jobs were run by 0.0.1, this is {code_version()}: what they have done is kept. "
        "For results of one version only, choose another sweep folder.",
        "1 job of the folder not in this sweep, left as before: 4.",
    )
