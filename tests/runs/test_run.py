from __future__ import annotations

import errno
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.small_disk import fill, small_disk
from tests.tiny import environment_for_tlx, result_of
from tlx.errors import ConfigError, Fault, TlxError
from tlx.runs.atomic import write_text
from tlx.runs.disk import DiskError
from tlx.runs.result import Result
from tlx.runs.run import Run, RunInterrupted, occupied, peak_memory_mb


def finished(folder: Path, error: BaseException | None = None) -> None:
    """Start a run and end it, by an error or not."""
    with Run.start(folder, "python -m tlx.train seed=1").recording():
        if error is not None:
            raise error


def test_run_started_says_that_it_is_running(tmp_path: Path) -> None:
    run = Run.start(tmp_path / "a/b", "python -m tlx.train seed=1")
    result = result_of(run.folder)
    assert (result["status"], result["command"]) == ("running", "python -m tlx.train seed=1")
    assert (result["finished_at"], result["resumed"]) == (None, 0)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(result["started_at"])).seconds) < 60


def test_run_completed_says_so_with_times_and_memory(tmp_path: Path) -> None:
    finished(tmp_path)
    result = result_of(tmp_path)
    assert (result["status"], result["error"]) == ("completed", None)
    assert result["finished_at"] >= result["started_at"]
    assert result["peak_memory_mb"]["process"] == pytest.approx(peak_memory_mb(), rel=0.1)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no such class"), "ValueError: no such class"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (RunInterrupted("interrupted"), "RunInterrupted: interrupted"),
        (
            ConfigError([Fault("a", 1, "too small", "Use 2.")]),
            "ConfigError: a=1: too small. Use 2.",
        ),
    ],
)
def test_run_ended_by_an_error_records_it_and_raises_it(
    tmp_path: Path, error: BaseException, line: str
) -> None:
    with pytest.raises(type(error)):
        finished(tmp_path, error)
    result = result_of(tmp_path)
    assert (result["status"], result["error"]) == ("failed", line)
    assert result["finished_at"] is not None


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (None, "already holds a run (completed); choose another folder. "),
        (ValueError("x"), "already holds a run (failed); go on with resume={0}. "),
    ],
)
def test_run_started_where_one_has_ended_is_refused_and_changes_nothing(
    tmp_path: Path, error: Exception | None, text: str
) -> None:
    with suppress(ValueError):
        finished(tmp_path, error)
    before = (tmp_path / "result.json").read_bytes()
    with pytest.raises(TlxError) as refusal:
        Run.start(tmp_path)
    message = f"{tmp_path} {text.format(tmp_path)}A run is never written over."
    assert str(refusal.value) == message == occupied(tmp_path)
    assert (tmp_path / "result.json").read_bytes() == before


def test_run_started_twice_at_once_is_refused(tmp_path: Path) -> None:
    run = Run.start(tmp_path)
    with pytest.raises(TlxError, match="is being written by another process"):
        Run.start(tmp_path)
    with pytest.raises(TlxError, match="is being written by another process"):
        Run.resume(tmp_path)
    assert run.result.status == "running"


def test_run_of_a_living_process_is_protected_and_of_a_killed_one_can_be_resumed(
    tmp_path: Path,
) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tlx.runs.run import Run\n"
        "run = Run.start(Path(sys.argv[1])); print('started', flush=True); time.sleep(600)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=environment_for_tlx(),
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"started\n"
        for claim in (Run.start, Run.resume):
            with pytest.raises(TlxError, match="is being written by another process"):
                claim(tmp_path)
    finally:
        other.kill()
        other.communicate()
    with pytest.raises(TlxError, match=r"already holds a run \(running\); go on with resume="):
        Run.start(tmp_path)
    assert Run.resume(tmp_path).result.resumed == 1


def test_run_resumed_adds_up_its_phases_and_attempts(tmp_path: Path) -> None:
    run = Run.start(tmp_path)
    with suppress(ValueError), run.recording():
        with run.phase("data"):
            time.sleep(0.02)
        with run.phase("fit"):
            time.sleep(0.03)
            raise ValueError("x")
    first = result_of(tmp_path)

    again = Run.resume(tmp_path)

    during = result_of(tmp_path)
    assert (during["status"], during["error"], during["finished_at"]) == ("running", None, None)
    with again.recording():
        with again.phase("fit"):
            time.sleep(0.03)
        with again.phase("test"):
            pass
    last = result_of(tmp_path)
    assert (last["status"], last["resumed"]) == ("completed", 1)
    assert last["started_at"] == first["started_at"]
    assert last["seconds"]["data"] == first["seconds"]["data"] >= 0.02
    assert first["seconds"]["fit"] >= 0.03
    assert last["seconds"]["fit"] >= first["seconds"]["fit"] + 0.03
    assert list(last["seconds"]) == ["data", "fit", "test"]


def test_run_completed_cannot_be_resumed(tmp_path: Path) -> None:
    finished(tmp_path)
    for _ in range(2):  # the refusal lets go of the folder
        with pytest.raises(TlxError, match=r"is complete: there is nothing to resume\.$"):
            Run.resume(tmp_path)
    assert result_of(tmp_path)["resumed"] == 0


def test_run_resumed_in_a_folder_without_a_run_leaves_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(TlxError, match=r"is not the folder of a run: it has no result\.json"):
        Run.resume(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_run_last_checkpoint_is_the_one_on_disk(tmp_path: Path) -> None:
    run = Run.start(tmp_path)
    assert run.last_checkpoint is None
    path = tmp_path / "checkpoints/last.ckpt"
    path.parent.mkdir()
    path.touch()
    assert run.last_checkpoint == path


def test_run_on_a_disk_that_fills_records_the_failure_and_can_be_resumed(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1024) as disk:
        run = Run.start(disk / "run")
        filler = fill(disk)
        with pytest.raises(DiskError) as told, run.recording():
            write_text(disk / "run/a.txt", "x" * 5000)
        where = f"{disk / 'run/a.txt'} cannot be written: the file system at {disk} "
        text = f"{where}has too little room "
        assert str(told.value) == (
            f"{text}(0 of 1.05 MB free). Make room there. Then go on with resume={disk / 'run'}."
        )
        result = result_of(disk / "run")
        assert (result["status"], result["error"]) == ("failed", f"DiskError: {told.value}")
        assert sorted(one.name for one in (disk / "run").iterdir()) == [".lock", "result.json"]

        with suppress(OSError):
            (disk / "filler2").write_bytes(b"1" * 100_000)
        with pytest.raises(DiskError, match=r"result\.json cannot be written: .* too little room"):
            Run.resume(disk / "run")
        assert result_of(disk / "run") == result

        filler.unlink()
        again = Run.resume(disk / "run")
        with again.recording():
            write_text(disk / "run/a.txt", "x" * 5000)
        assert result_of(disk / "run")["status"] == "completed"


def test_run_whose_end_cannot_be_recorded_stays_running_and_tells_what_ended_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: Result, folder: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(folder))

    run = Run.start(tmp_path)
    monkeypatch.setattr(Result, "write", refuse)
    with pytest.raises(ValueError, match=r"^the real reason$"), run.recording():
        raise ValueError("the real reason")
    assert "how the run ended is not recorded, and it stays 'running': " in caplog.text
    assert result_of(tmp_path)["status"] == "running"


def test_run_completed_on_a_disk_that_refuses_its_result_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Result, folder: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(folder))

    run = Run.start(tmp_path)
    monkeypatch.setattr(Result, "write", refuse)
    refused = pytest.raises(DiskError, match=rf"may only be read.* go on with resume={tmp_path}\.")
    with refused, run.recording():
        pass
    monkeypatch.undo()
    assert Run.resume(tmp_path).result.resumed == 1  # and nobody holds the folder


def test_run_started_on_a_full_disk_is_one_sentence_and_can_be_started_later(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk", 256) as disk:
        filler = fill(disk)
        with pytest.raises(DiskError, match=r"result\.json cannot be written: .* too little room"):
            Run.start(disk / "run")
        filler.unlink()
        assert Run.start(disk / "run").result.status == "running"


def test_run_resumed_sweeps_up_what_a_killed_one_left(tmp_path: Path) -> None:
    with suppress(ValueError):
        finished(tmp_path, ValueError("x"))
    (tmp_path / "checkpoints").mkdir()
    for name in (".metrics-0123abcd.csv", "checkpoints/.last-0123abcd.ckpt"):
        (tmp_path / name).touch()
    Run.resume(tmp_path)
    left = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*")}
    assert left == {".lock", ".reserve", "checkpoints", "result.json"}


def test_run_completed_keeps_no_previous_checkpoint(tmp_path: Path) -> None:
    run = Run.start(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    for name in ("last.ckpt", "previous.ckpt"):
        (tmp_path / "checkpoints" / name).touch()
    with run.recording():
        pass
    assert [one.name for one in (tmp_path / "checkpoints").iterdir()] == ["last.ckpt"]
