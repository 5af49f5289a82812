from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from tlx.errors import TlxError
from tlx.runs.result import Result
from tlx.sweeps.jobs import read_job, read_jobs, read_sweep
from tlx.sweeps.record import JobRecord, code_version, config_hash, version_text, write_job

METRICS = {"val": {"accuracy": 0.75}, "test": {"accuracy": 0.5, "per_class": [{"f1": 0.1}]}}
RUN = Result(
    status="completed",
    metrics=METRICS,
    seconds={"fit": 2.0, "test": 0.5},
    peak_memory_mb={"process": 300.0},
    finished_at="2026-01-31T12:00:00+00:00",
)


def test_job_written_and_read_is_the_same(tmp_path: Path) -> None:
    record = JobRecord(
        number=3,
        overrides=["strategy=partial", "seed=1"],
        config_hash="ab",
        status="killed",
        signal=9,
        reason="signal 9, likely out of memory",
        seconds=1.25,
        metrics={"test_accuracy": 0.5},
        return_value=[1, {"a": None}],
    )
    write_job(tmp_path / "3", record)
    assert read_job(tmp_path / "3") == record
    content = json.loads((tmp_path / "3/job.json").read_text())
    assert set(content) == {one.name for one in fields(JobRecord)}
    assert content == asdict(record)


def test_write_job_of_texts_and_values_json_lacks_still_writes(tmp_path: Path) -> None:
    write_job(tmp_path, JobRecord(0, log_tail="\udcff", return_value=(Path("a"), float("nan"))))
    read = read_job(tmp_path)
    assert read is not None
    assert read.log_tail == "\\udcff"
    assert read.return_value[0] == "a"


def test_read_job_leaves_out_what_a_later_version_added(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text('{"number": 1, "status": "failed", "later": 1}')
    assert read_job(tmp_path) == JobRecord(1, status="failed")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "Expecting property name"),
        ("[1]", "it holds no JSON object"),
        ('{"number": 1, "status": "done"}', "status should be 'queued', 'running', 'completed', "),
        ('{"number": "1"}', "number should be a valid integer, not '1'"),
        ("{}", "number is missing"),
        ('{"number": 1, "metrics": null}', "metrics should be an object, not None"),
        ('{"number": 1, "overrides": null}', "overrides should be a valid array, not None"),
        ('{"number": 1, "error": 5}', "error should be a valid string, not 5"),
        ('{"number": 1, "reason": ["x"]}', "reason should be a valid string, not a list of 1"),
        ('{"number": 1, "seconds": "9"}', "seconds should be a valid number, not '9'"),
        ('{"number": true}', "number should be a valid integer, not True"),
        ('{"number": 1e999}', "number should be a valid integer, not inf"),
        ('{"number": 1, "metrics": {"a": {}}}', "metrics.a should be a valid number, not a mapp"),
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[" * 100_000, "it is nested too deeply"),
        ("[" * 500 + "]" * 500, "it is nested more than 64 levels deep"),
        ("\x00\x01\x02", "Expecting value"),
    ],
)
def test_read_job_of_a_damaged_file_is_lost_with_the_reason(
    content: str, reason: str, tmp_path: Path
) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    (folder / "job.json").write_text(content)
    record = read_job(folder)
    assert record is not None
    assert (record.number, record.status) == (7, "lost")
    assert f"{folder}/job.json cannot be read: " in str(record.reason)
    assert reason in str(record.reason)


def test_read_job_whose_file_is_a_folder_is_lost_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "7/job.json").mkdir(parents=True)
    record = read_job(tmp_path / "7")
    assert record is not None
    assert (record.number, record.status) == (7, "lost")
    assert record.reason == f"{tmp_path}/7/job.json cannot be read: Is a directory"


def test_read_job_of_a_damaged_file_beside_a_complete_run_is_told_from_the_run(
    tmp_path: Path,
) -> None:
    RUN.write(tmp_path)
    (tmp_path / "job.json").write_text('{"number": 1, "error": 5}')
    record = read_job(tmp_path)
    assert record is not None
    assert (record.status, record.return_value, record.seconds) == ("completed", 0.75, 2.5)
    assert record.fault == (
        f"{tmp_path}/job.json cannot be read: error should be a valid string, not 5"
    )


@pytest.mark.parametrize("content", ["", "[]", "{", '{"status": 1}', "nul"])
def test_read_job_with_a_damaged_result_of_a_tlx_run_says_so(content: str, tmp_path: Path) -> None:
    write_job(tmp_path, JobRecord(0, status="completed", return_value=0.5))
    (tmp_path / "result.json").write_text(content)
    assert read_job(tmp_path) == JobRecord(0, status="completed", return_value=0.5)
    (tmp_path / "provenance.json").touch()  # now it is known for a tlx run
    record = read_job(tmp_path)
    assert record is not None
    assert (record.status, record.return_value) == ("completed", 0.5)
    assert str(record.reason).startswith(f"{tmp_path}/result.json cannot be read: ")


def test_read_job_of_an_impossible_number_is_known_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/job.json").write_text('{"number": 1000000000000, "status": "completed"}')
    record = read_job(tmp_path / "7")
    assert record is not None
    assert (record.number, record.status) == (7, "completed")
    assert record.reason == f"{tmp_path}/7/job.json: number 1000000000000 is none of a job"


def test_read_job_of_an_empty_folder_or_no_folder_is_none(tmp_path: Path) -> None:
    assert read_job(tmp_path) is None
    assert read_job(tmp_path / "missing") is None


def test_read_job_fills_figures_from_the_tlx_run(tmp_path: Path) -> None:
    write_job(tmp_path, JobRecord(0, status="completed", return_value=0.9, seconds=4.0))
    RUN.write(tmp_path)
    assert read_job(tmp_path) == JobRecord(
        0,
        status="completed",
        return_value=0.9,
        seconds=4.0,
        metrics={"val_accuracy": 0.75, "test_accuracy": 0.5},
        peak_memory_mb=300.0,
    )


@pytest.mark.parametrize("status", ["queued", "running", "lost", "killed"])
def test_read_job_whose_run_ended_without_the_drivers_word_is_completed(
    status: str, tmp_path: Path
) -> None:
    write_job(tmp_path, JobRecord(0, status=status, reason="executor lost"))  # type: ignore[arg-type]
    RUN.write(tmp_path)
    record = read_job(tmp_path)
    assert record is not None
    assert (record.status, record.return_value, record.seconds) == ("completed", 0.75, 2.5)
    assert (record.finished_at, record.reason) == (RUN.finished_at, None)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_read_job_with_an_unfinished_run_keeps_its_status(status: str, tmp_path: Path) -> None:
    write_job(tmp_path, JobRecord(0, status=status))  # type: ignore[arg-type]
    replace(RUN, status="running").write(tmp_path)
    record = read_job(tmp_path)
    assert record is not None
    assert (record.status, record.return_value) == (status, None)


def test_read_job_with_another_programs_result_ignores_it(tmp_path: Path) -> None:
    write_job(tmp_path, JobRecord(0, status="running"))
    (tmp_path / "result.json").write_text('{"status": "completed", "metrics": [1]}')
    assert read_job(tmp_path) == JobRecord(0, status="running")


def test_read_sweep_finds_jobs_in_nested_folders_by_number(tmp_path: Path) -> None:
    for number, name in [(10, "10"), (2, "2"), (1, "strategy=partial/seed=1")]:
        write_job(tmp_path / name, JobRecord(number))
    write_job(tmp_path / "2/checkpoints", JobRecord(99))  # a job's folder is not searched
    write_job(tmp_path / ".hidden", JobRecord(98))
    (tmp_path / "results.csv").touch()
    assert [record.number for record in read_sweep(tmp_path)] == [1, 2, 10]
    assert read_jobs(tmp_path)[0][0] == tmp_path / "strategy=partial/seed=1"


def test_read_sweep_of_no_sweep_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TlxError, match=r"missing is no folder. Give the folder of a sweep"):
        read_sweep(tmp_path / "missing")
    with pytest.raises(TlxError, match="is not the folder of a sweep: no job is in it"):
        read_sweep(tmp_path)
    RUN.write(tmp_path)
    with pytest.raises(TlxError, match="is the folder of a single run, not of a sweep"):
        read_sweep(tmp_path)


def test_config_hash_ignores_order_and_what_changes_no_numbers() -> None:
    config = {"a": 1, "b": {"x": [1, 2.5, None, "t"], "y": True}}
    shuffled = OrderedDict(b={"y": True, "x": [1, 2.5, None, "t"]}, a=1)
    assert config_hash(config) == config_hash({**shuffled, "hydra": {"job": 1}, "debug": True})
    assert config_hash(config) == config_hash({**config, "resume": "outputs/1"})
    assert len(config_hash(config)) == 64


@pytest.mark.parametrize(
    "other",
    [
        {"a": 2},
        {"a": "1"},
        {"a": 1.5},
        {"a": [1]},
        {"a": None},
        {"b": 1},
        {"a": 1, "b": None},
        {"a": {"debug": 1}},
        {},
    ],
)
def test_config_hash_of_another_configuration_differs(other: dict[str, object]) -> None:
    assert config_hash({"a": 1}) != config_hash(other)


def test_config_hash_tells_keys_of_other_types_apart() -> None:
    assert config_hash({"a": {1: 2}}) != config_hash({"a": {"1": 2}})
    assert config_hash({"a": {1: 2, "b": 3}}) == config_hash({"a": {"b": 3, 1: 2}})
    assert config_hash({"a": {"debug": 1}}) != config_hash({"a": {}})


def test_config_hash_stays_the_same_over_versions() -> None:
    # Folders of earlier sweeps are compared with it: a change makes them all run again.
    text = '{"mapping": [["str", "a", {"mapping": [["str", "b", 1]]}], ["str", "c", [0.5, null]]]}'
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert config_hash({"c": [0.5, None], "a": {"b": 1}}) == expected


def test_version_text_names_commit_and_changes() -> None:
    commit = "0123456789abcdef"
    assert version_text("0.1", None) == "0.1"
    assert version_text("0.1", {"commit": commit, "dirty": False}) == "0.1+g0123456789ab"
    assert version_text("0.1", {"commit": commit, "dirty": True}) == "0.1+g0123456789ab.dirty"


def test_code_version_begins_with_tlxs_version() -> None:
    from tlx import __version__

    assert code_version().split("+")[0] == __version__
