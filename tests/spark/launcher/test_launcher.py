"""What a sweep on Spark has in common with Hydra's basic launcher, and what it adds."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra.core.utils import JobStatus
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from tests.spark import spark_jobs
from tests.spark.test_stop_and_resume import wait_for
from tlx.errors import ConfigError
from tlx.spark import session
from tlx.spark.errors import RemoteJobError, SparkStartError
from tlx.spark.launcher import compose, launch
from tlx.sweeps import resume
from tlx.sweeps.jobs import read_jobs
from tlx.sweeps.record import DONE


def values(done: Any) -> list[Any]:
    assert done.error is None
    return [one.return_value for one in done.returns]


def test_same_sweep_under_basic_debug_and_spark_returns_the_same(sweep: Callable[..., Any]) -> None:
    x = "x=0.1,0.2,0.7,1e-3"
    done = {
        name: sweep(spark_jobs.square, x, launcher=name, folder=name)
        for name in ("basic", "debug", "spark")
    }
    expected = [value**2 for value in (0.1, 0.2, 0.7, 1e-3)]
    assert [values(done[name]) for name in done] == [expected] * 3
    for number in range(4):
        path = Path(str(number), ".hydra", "config.yaml")
        assert len({(one.folder / path).read_text() for one in done.values()}) == 1


def test_surroundings_of_a_job_are_the_drivers(sweep: Callable[..., Any]) -> None:
    done = sweep(
        spark_jobs.about,
        "x=1,2",
        "+hydra.job.env_set.TLX_TEST_VARIABLE=seen",
        "hydra.sweep.subdir=job-${hydra.job.num}",
        "hydra.launcher.cpus_per_job=1",
    )
    first, second = values(done)
    assert first["cwd"] == first["original_cwd"] == os.getcwd()  # noqa: PTH109
    assert first["output"] == str(done.folder / "job-0")
    assert second["output"] == str(done.folder / "job-1")
    assert (first["number"], second["number"]) == (0, 1)
    assert first["variable"] == "seen"
    assert first["omp"] == "1"
    assert first["pid"] == first["group"] != first["worker"]
    assert "TLX_TEST_VARIABLE" not in os.environ


def test_chdir_job_runs_in_its_folder(sweep: Callable[..., Any]) -> None:
    done = sweep(spark_jobs.about, "hydra.job.chdir=true")
    (told,) = values(done)
    assert told["cwd"] == told["output"] == str(done.folder / "0")
    assert done.returns[0].working_dir == str(done.folder / "0")


def test_output_subdir_and_overrides_are_written_as_asked(sweep: Callable[..., Any]) -> None:
    done = sweep(spark_jobs.square, "x=3", "hydra.output_subdir=asked")
    assert OmegaConf.load(done.folder / "0" / "asked" / "overrides.yaml") == ["x=3"]
    assert OmegaConf.load(done.folder / "0" / "asked" / "config.yaml").x == 3


def test_lambda_and_closure_go_by_value(sweep: Callable[..., Any]) -> None:
    factor = 3.0
    assert values(sweep(lambda cfg: cfg.x * factor, "x=2")) == [6.0]


def test_unpicklable_closure_is_named(sweep: Callable[..., Any]) -> None:
    connection = threading.Lock()

    def job(cfg: Any) -> bool:
        return connection.locked()

    done = sweep(job, "x=2")
    assert isinstance(done.error, RemoteJobError)
    assert "its variable 'connection' cannot be pickled" in str(done.error)


def test_second_sweep_into_the_folder_runs_only_what_is_new(sweep: Callable[..., Any]) -> None:
    assert values(sweep(spark_jobs.square, "x=1,2")) == [1.0, 4.0]
    before = (sweep(spark_jobs.square, "x=1,2").folder / "0" / "stdout.log").stat().st_mtime_ns
    done = sweep(spark_jobs.square, "x=2,3")
    assert values(done) == [4.0, 9.0]
    assert (done.folder / "0" / "stdout.log").stat().st_mtime_ns == before
    table = pd.read_csv(done.folder / "results.csv")
    assert list(table["number"]) == [0, 1, 2]
    assert list(table["return_value"]) == [1.0, 4.0, 9.0]


def test_later_batch_does_not_call_the_batch_before_it_foreign(sweep: Callable[..., Any]) -> None:
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("tlx").addHandler(handler)
    try:
        sweep(spark_jobs.square, "x=9", launcher="debug")
        sweep(spark_jobs.square, "x=1,2,3", "hydra.sweeper.max_batch_size=1", launcher="debug")
    finally:
        logging.getLogger("tlx").removeHandler(handler)
    foreign = [text for text in told if "not in this sweep" in text]
    assert foreign == ["1 job of the folder not in this sweep, left as before: 0."]


def test_failed_job_is_run_again_only_when_asked(sweep: Callable[..., Any]) -> None:
    first = sweep(spark_jobs.end, "kind=raise")
    started = record(first, 0)["started_at"]
    again = sweep(spark_jobs.end, "kind=raise")
    assert again.returns[0].status == JobStatus.FAILED
    with pytest.raises(RemoteJobError, match="failed before: ValueError: a bad value"):
        _ = again.returns[0].return_value
    assert record(again, 0)["started_at"] == started
    third = sweep(spark_jobs.end, "kind=raise", "hydra.launcher.retry_failed=true")
    assert record(third, 0)["started_at"] > started


def test_stopped_run_goes_on_by_the_resume_of_its_module(
    sweep: Callable[..., Any], tmp_path: Path
) -> None:
    folder = sweep(spark_jobs.train_in_steps, "x=1").folder / "0"
    told = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(json.dumps(told | {"status": "killed", "return_value": None}))
    (folder / "result.json").write_text('{"status": "running"}')
    (folder / "steps").write_text("2")
    assert values(sweep(spark_jobs.train_in_steps, "x=1")) == [2]
    assert record(sweep(spark_jobs.train_in_steps, "x=1"), 0)["status"] == "completed"


def test_bad_options_are_all_named_before_anything_starts(sweep: Callable[..., Any]) -> None:
    options = ("hydra.launcher.isolation=frok", "hydra.launcher.parallelism=0")
    done = sweep(spark_jobs.square, *options)
    assert isinstance(done.error, ConfigError)
    assert "isolation=frok: no such isolation. Did you mean 'fork'?" in str(done.error)
    assert "hydra.launcher.parallelism=0: too small. Give 1 or more." in str(done.error)


def test_more_accelerators_than_there_are_is_an_error(
    sweep: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = sweep(spark_jobs.square, "hydra.launcher.gpus_per_job=1")
    assert isinstance(done.error, SparkStartError)
    assert "gpus_per_job=1: this machine has 0" in str(done.error)


def test_accelerators_are_lent_to_one_job_at_a_time(
    sweep: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    done = sweep(spark_jobs.about, "x=1,2,3,4", "hydra.launcher.gpus_per_job=1")
    assert {told["gpus"] for told in values(done)} <= {"4", "7"}


def record(done: Any, number: int) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((done.folder / str(number) / "job.json").read_text())
    return told


def test_nested_spark_properties_reach_spark(sweep: Callable[..., Any]) -> None:
    done = sweep(spark_jobs.square, "x=2", "+hydra.launcher.conf.spark.tlx.probe=here")
    assert values(done) == [4.0]
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    assert context is not None
    assert context.getConf().get("spark.tlx.probe") == "here"


def test_submitted_jobs_end_one_by_one_and_can_be_cancelled(
    sweep: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlx.spark.launcher.launcher import SparkLauncher

    told: dict[str, Any] = {}
    reads: list[Path] = []

    def counted(path: Path) -> Any:
        reads.append(path)
        return read_jobs(path)

    monkeypatch.setattr(resume, "read_jobs", counted)

    def search(self: SparkLauncher, batch: Any, initial_job_idx: int) -> list[Any]:
        """Take the launcher as an asynchronous sweeper does."""
        try:
            hanging = self.submit(["kind=tidy"], 0)
            first = self.submit(["kind=return"], 1)
            again = self.submit(["kind=return"], 2)
            told["values"] = [first.result(60).return_value, again.result(60).return_value]
            told["still runs"] = not hanging.done()
            told["folders"] = [self.folder_of(number) for number in (0, 2, 3)]
            self.cancel(0, "pruned")
            told["cancelled"] = hanging.result(60).status
        finally:
            self.close()
        return []

    monkeypatch.setattr(SparkLauncher, "launch", search)
    done = sweep(spark_jobs.end)
    assert done.error is None
    assert reads == [done.folder], "the folder is read once"
    assert told["values"] == [{"score": 1.5}] * 2
    assert told["still runs"]
    assert told["folders"] == [done.folder / "0", done.folder / "2", None]
    assert told["cancelled"] == JobStatus.FAILED
    table = pd.read_csv(done.folder / "results.csv")
    assert list(table["status"]) == ["cancelled", "completed", "completed"]
    assert table["error"][0] == "pruned"
    assert (done.folder / "0" / "tidied").exists()


def has_ended(path: Path) -> bool:
    """Return whether a job's record, once it is there, tells of its end."""
    return path.is_file() and json.loads(path.read_text())["status"] in DONE


def test_jobs_run_while_later_ones_are_composed(
    sweep: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def is_ready(folder: Path) -> bool:
        return session._session is not None and folder in session._session.checked

    def compose_late(context: Any, config: Any, overrides: Any, number: int) -> Any:
        """Let Spark start after the first job, and compose the last only when that has ended."""
        folder = compose.sweep_folder(config)
        if number == 1:
            wait_for(lambda: is_ready(folder))
            time.sleep(1.0)  # until the future of the start is set too
        if number == 3:
            wait_for(lambda: has_ended(folder / "0/job.json"))
            seen.append("job 0 has ended")
        return compose.compose_job(context, config, overrides, number)

    monkeypatch.setattr(launch, "compose_job", compose_late)
    done = sweep(spark_jobs.square, "x=3,4,5,6")
    assert seen == ["job 0 has ended"]
    assert values(done) == [9.0, 16.0, 25.0, 36.0]
    assert [record(done, number)["overrides"] for number in (0, 3)] == [["x=3"], ["x=6"]]


def test_job_that_cannot_be_composed_ends_the_sweep_and_leaves_the_folder_usable(
    sweep: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlx.spark.launcher.launcher import SparkLauncher

    original = SparkLauncher.launch
    asked = [["kind=tidy"], ["nope=1"], ["kind=return"]]

    def launch_other_jobs(self: SparkLauncher, job_overrides: Any, initial_job_idx: int) -> Any:
        return original(self, asked, initial_job_idx)

    with monkeypatch.context() as patch:
        patch.setattr(SparkLauncher, "launch", launch_other_jobs)
        done = sweep(spark_jobs.end)
    assert isinstance(done.error, ConfigCompositionException)
    assert not (done.folder / "2").exists()
    assert values(sweep(spark_jobs.end, "kind=return")) == [{"score": 1.5}]


def test_callbacks_are_told_of_every_job_even_of_one_that_was_killed(
    sweep: Callable[..., Any], tmp_path: Path
) -> None:
    target = "tests.spark.spark_jobs.Witness"
    callback = f"+hydra.callbacks.witness={{_target_: {target}, file: {tmp_path / 'told'}}}"
    sweep(spark_jobs.end, "kind=return,raise,kill", callback)
    assert sorted((tmp_path / "told").read_text().splitlines()) == [
        "end 0 COMPLETED",
        "end 1 FAILED",
        "end 2 FAILED",
        "start 0",
        "start 1",
        "start 2",
    ]


@pytest.mark.slow  # a cluster of its own, and torch in its worker
def test_cpus_per_job_on_a_cluster_give_threads_and_leave_no_core_to_others(
    sweep: Callable[..., Any],
) -> None:
    done = sweep(
        spark_jobs.about,
        "x=1,2",
        "hydra.launcher.master='local-cluster[1,2,1024]'",
        "hydra.launcher.cpus_per_job=2",
        "hydra.launcher.parallelism=2",
        "hydra.launcher.preload=[torch]",
    )
    told = values(done)
    assert [(one["omp"], one["threads"]) for one in told] == [("2", 2)] * 2
    first, second = sorted(
        (record(done, number) for number in (0, 1)), key=lambda one: one["started_at"]
    )
    assert first["finished_at"] <= second["started_at"], "both cores are the first job's"
