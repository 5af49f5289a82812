"""Jobs of a sweep that run together, and what is done for several of them beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.utils import JobStatus

from tests.spark import grouped_jobs
from tlx.spark.launcher.sweep_hooks import hooks_of
from tlx.sweeps.jobs import read_jobs

CONFIG = "kind: {kind}\nx: 0\nnotes: {notes}\n"


def _swept(sweep: Callable[..., Any], notes: Path, *asked: str, kind: str = "good") -> Any:
    config = CONFIG.format(kind=kind, notes=notes)
    return sweep(grouped_jobs.alone, "x=1,2,4,6,7", *asked, config=config)


def _values(done: Any) -> list[Any]:
    return [one._return_value for one in done.returns]


def test_group_jobs_end_one_by_one_and_the_others_run_alone(
    sweep: Callable[..., Any], tmp_path: Path
) -> None:
    done = _swept(sweep, tmp_path)
    values = _values(done)
    command = "python -m tests.spark.grouped_jobs x="
    assert values[1] == ["together", 2, "1", f"{command}2"]
    assert values[2] == ["together", 4, "2", f"{command}4"]
    assert isinstance(values[3], ValueError)
    assert str(values[3]) == "six is refused"
    assert [value[:2] for value in (values[0], values[4])] == [["alone", 1], ["alone", 7]]
    statuses = [one.status for one in done.returns]
    assert statuses == [JobStatus.COMPLETED] * 3 + [JobStatus.FAILED, JobStatus.COMPLETED]
    records = [record for _, record in read_jobs(done.folder)]
    expected = ["completed", "completed", "completed", "failed", "completed"]
    assert [record.status for record in records] == expected
    for number in range(5):
        assert (done.folder / str(number) / ".hydra" / "config.yaml").is_file()


def test_group_shared_work_is_done_first_on_every_slot(
    sweep: Callable[..., Any], tmp_path: Path
) -> None:
    _swept(sweep, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("part-*")) == ["part-0-of-2", "part-1-of-2"]


def test_group_shared_work_that_fails_leaves_the_jobs_alone(
    sweep: Callable[..., Any], tmp_path: Path
) -> None:
    done = _swept(sweep, tmp_path, kind="unprepared")
    assert [value[0] for value in _values(done)[:3]] == ["alone", "together", "together"]


def test_group_whose_process_dies_runs_one_by_one(
    sweep: Callable[..., Any], tmp_path: Path
) -> None:
    done = _swept(sweep, tmp_path, kind="dies")
    assert [value[:2] for value in _values(done)] == [["alone", x] for x in (1, 2, 4, 6, 7)]
    assert {record.status for _, record in read_jobs(done.folder)} == {"completed"}


def test_group_bank_false_runs_every_job_alone(sweep: Callable[..., Any], tmp_path: Path) -> None:
    done = _swept(sweep, tmp_path, "hydra.launcher.bank=false")
    values = _values(done)
    assert [value[:2] for value in values] == [["alone", x] for x in (1, 2, 4, 6, 7)]
    assert len({value[2] for value in values}) == 5


def test_group_plan_that_fails_runs_every_job_alone(
    sweep: Callable[..., Any], tmp_path: Path
) -> None:
    done = _swept(sweep, tmp_path, kind="no_plan")
    assert [value[0] for value in _values(done)] == ["alone"] * 5


def test_hooks_of_function_without_hooks_is_none() -> None:
    assert hooks_of(grouped_jobs.alone) == "tests.spark.grouped_jobs"
    assert hooks_of(test_hooks_of_function_without_hooks_is_none) is None
