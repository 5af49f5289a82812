from __future__ import annotations

import json
from pathlib import Path

import pytest

from tlx.runs.result import Result
from tlx.sweeps.jobs import read_job, read_sweep
from tlx.sweeps.record import written_hash


def hydra_job(folder: Path, number: int = 0) -> None:
    """Write what Hydra leaves in a job's folder before the task starts."""
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra/overrides.yaml").write_text("- strategy=partial\n- seed=1\n")
    (folder / ".hydra/config.yaml").write_text("a: 1\nb: ${a}\nresume: null\n")
    (folder / ".hydra/hydra.yaml").write_text(f"hydra:\n  job:\n    num: {number}\n")


def test_job_of_the_basic_launcher_is_told_from_hydra_and_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "5"
    hydra_job(folder)
    Result(
        status="completed",
        metrics={"val": {"accuracy": 0.75}, "test": {"accuracy": 0.5}},
        seconds={"fit": 2.0, "test": 0.5},
        peak_memory_mb={"process": 300.0},
        started_at="2026-01-31T12:00:00+00:00",
        resumed=1,
    ).write(folder)
    origin = {"git": {"commit": "0123456789abcdef", "dirty": False}, "packages": {"tlx": "0.1"}}
    (folder / "provenance.json").write_text(json.dumps(origin))
    record = read_job(folder)
    assert record is not None
    assert (record.number, record.status, record.attempt) == (5, "completed", 1)
    assert record.overrides == ["strategy=partial", "seed=1"]
    assert record.config_hash == written_hash({"b": "${a}", "a": 1})
    assert record.metrics == {"val_accuracy": 0.75, "test_accuracy": 0.5}
    assert (record.return_value, record.seconds, record.peak_memory_mb) == (0.75, 2.5, 300.0)
    assert record.code_version == "0.1+g0123456789ab"
    assert record.started_at == "2026-01-31T12:00:00+00:00"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("ValueError: bad", "failed"),
        ("RunInterrupted: stopped in epoch 3", "cancelled"),
        ("KeyboardInterrupt", "cancelled"),
    ],
)
def test_job_of_the_basic_launcher_that_failed_keeps_its_error(
    error: str, status: str, tmp_path: Path
) -> None:
    hydra_job(tmp_path / "0")
    Result(status="failed", error=error, metrics={"val": {"accuracy": 0.5}}).write(tmp_path / "0")
    record = read_job(tmp_path / "0")
    assert record is not None
    assert (record.status, record.error, record.return_value) == (status, error, None)


def test_job_that_left_no_result_is_lost_with_the_reason(tmp_path: Path) -> None:
    hydra_job(tmp_path / "0")
    (record,) = read_sweep(tmp_path)
    assert (record.status, record.overrides) == ("lost", ["strategy=partial", "seed=1"])
    assert record.reason == "it left neither job.json nor a tlx result.json"


def test_job_in_a_folder_named_by_its_overrides_has_hydras_number(tmp_path: Path) -> None:
    hydra_job(tmp_path / "seed=1", number=4)
    (record,) = read_sweep(tmp_path)
    assert record.number == 4


@pytest.mark.parametrize("text", ["a: &x [1]\nb: *x\n", "[" * 100_000, "- 1\n", "a: ["])
def test_job_whose_configuration_cannot_be_read_has_no_hash(text: str, tmp_path: Path) -> None:
    hydra_job(tmp_path / "0")
    (tmp_path / "0/.hydra/config.yaml").write_text(text)
    (record,) = read_sweep(tmp_path)
    assert record.config_hash == ""


def test_job_of_another_launcher_fills_in_nothing_from_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    hydra_job(tmp_path / "0")
    (tmp_path / "0/.hydra/overrides.yaml").write_text("- data.root=${oc.env:SECRET}\n")
    (tmp_path / "0/.hydra/config.yaml").write_text("a: ${oc.env:SECRET}\n")
    (record,) = read_sweep(tmp_path)
    assert record.overrides == ["data.root=${oc.env:SECRET}"]
    assert record.config_hash == written_hash({"a": "${oc.env:SECRET}"})
    assert "hunter2" not in str(record)
