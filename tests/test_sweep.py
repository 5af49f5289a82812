from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tlx.sweep import main
from tlx.sweeps.record import JobRecord, Status, write_job


def sweep(folder: Path, *statuses: Status) -> None:
    for number, status in enumerate(statuses):
        record = JobRecord(number, [f"lr={10.0**-number}", "seed=0"], status=status)
        if status == "completed":
            record.metrics = {"val_accuracy": 0.5 + number / 8, "loss": 1.0 - number / 8}
        elif status == "failed":
            record.error = "ValueError: boom"
        write_job(folder / str(number), record)


def status_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_sweep_of_complete_jobs_prints_them_ranked_and_exits_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(tmp_path, "completed", "completed", "skipped")
    assert status_of(str(tmp_path)) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}: 3 jobs, 2 completed, 1 skipped",
        "ranked by val_accuracy, highest first",
        "left out, complete but without a finite val_accuracy: 1",
        "",
        "| rank | lr  |   n | val_accuracy |",
        "| ---: | --- | --: | ------------ |",
        "|    1 | 0.1 |   1 | 0.6250       |",
        "|    2 | 1   |   1 | 0.5000       |",
    ]
    assert pd.read_csv(tmp_path / "results.csv")["lr"].tolist() == [1.0, 0.1, 0.01]


def test_sweep_by_a_metric_to_minimize_puts_the_lowest_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(tmp_path, "completed", "completed")
    assert status_of(str(tmp_path), "--metric", "loss", "--minimize") == 0
    out = capsys.readouterr().out
    assert "ranked by loss, lowest first" in out
    assert out.index("| 0.8750") < out.index("| 1.0000")


@pytest.mark.parametrize("status", ["failed", "killed", "timed_out", "lost"])
def test_sweep_with_a_failed_job_lists_it_and_exits_1(
    status: Status, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(tmp_path, "completed", status, "running")
    assert status_of(str(tmp_path)) == 1
    out = capsys.readouterr().out
    assert f"1 job failed:\n  job 1 {status.upper().replace('_', ' ')}" in out
    assert ("ValueError: boom" in out) == (status == "failed")


@pytest.mark.parametrize(("status", "code"), [("running", 3), ("queued", 3), ("cancelled", 0)])
def test_sweep_with_unfinished_jobs_exits_3(
    status: Status, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(tmp_path, status)
    assert status_of(str(tmp_path)) == code
    out = capsys.readouterr().out
    assert "No complete job has a number to rank by." in out
    assert ("not ended: 1. If nothing runs there any more, resume the sweep." in out) == (code == 3)


def test_sweep_of_no_sweep_says_so_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(str(tmp_path)) == 1
    assert capsys.readouterr().err.startswith(f"tlx.sweep: {tmp_path} is not the folder of a sweep")


def test_sweep_with_an_unknown_metric_names_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(tmp_path, "completed")
    assert status_of(str(tmp_path), "--metric", "los") == 1
    assert "--metric los: no complete job has this metric. Did you mean 'loss'?" in (
        capsys.readouterr().err
    )


def test_sweep_command_on_an_ascii_terminal_prints_ascii(tmp_path: Path) -> None:
    for seed in range(2):
        record = JobRecord(seed, [f"seed={seed}"], status="completed", return_value=float(seed))
        write_job(tmp_path / str(seed), record)
    done = subprocess.run(
        [sys.executable, "-m", "tlx.sweep", str(tmp_path)],
        capture_output=True,
        text=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "0.5000 +/- 0.7071" in done.stdout


DAMAGE = {
    "1": b'{"number": 1, "error": 5}',
    "2": b"",
    "3": b"[]",
    "4": b"\x00\xff",
    "5": b"[" * 10_000,
    "6": b'{"number": 6, "status": "completed", "metrics": {"val_accuracy": null}}',
    "7": b'{"number": 7, "status": "completed", "overrides": [1]}',
    "8": b'{"number": 8, "status": "completed", "seconds": NaN, "return_value": 1'
    + b"0" * 400
    + b"}",
}


def test_sweep_with_damaged_jobs_tells_of_each_and_ranks_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(tmp_path, *["completed"] * 11)
    for name, content in DAMAGE.items():
        (tmp_path / name / "job.json").write_bytes(content)
    (tmp_path / "9/job.json").unlink()
    (tmp_path / "9/job.json").mkdir()
    (tmp_path / "10/result.json").write_text("{")
    (tmp_path / "10/config.yaml").touch()
    assert status_of(str(tmp_path)) == 1
    out = capsys.readouterr().out
    assert f"{tmp_path}: 11 jobs, 3 completed, 8 lost" in out
    lost = [line for line in out.splitlines() if "LOST" in line]
    assert [line.split(":")[0] for line in lost] == [
        f"  job {number} LOST" for number in (1, 2, 3, 4, 5, 6, 7, 9)
    ]
    assert all("job.json cannot be read: " in line for line in lost)
    assert f"job 10 is complete, but {tmp_path}/10/result.json cannot be read: Expecting" in out
    table = pd.read_csv(tmp_path / "results.csv")
    assert table["status"].tolist()[::10] == ["completed", "completed"]
    assert len(table) == 11
