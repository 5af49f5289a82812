from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.small_disk import fill, small_disk
from tests.training.scripted import Scripted, fit_scripted
from tlx.errors import TlxError
from tlx.runs.disk import DiskError
from tlx.training import last_checkpoint
from tlx.training.best_weights import BestWeights
from tlx.training.checkpoint_file import CheckpointFiles, checkpoint_to_resume

LAST, PREVIOUS = Path("checkpoints/last.ckpt"), Path("checkpoints/previous.ckpt")


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the checkpoints of a fit of three epochs."""
    monkeypatch.setattr(last_checkpoint, "MOST_SHARE", 1.0)
    fit_scripted(tmp_path, Scripted([0.1, 0.2, 0.3]), [BestWeights(tmp_path)])
    return tmp_path


def epoch_of(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["epoch"])


def test_checkpoints_are_the_last_and_the_one_before(two: Path) -> None:
    assert (epoch_of(two / LAST), epoch_of(two / PREVIOUS)) == (2, 1)
    assert checkpoint_to_resume(two) == two / LAST
    assert len(list((two / "checkpoints").iterdir())) == 3


def test_checkpoints_leave_the_system_s_temporary_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    fit_scripted(tmp_path, Scripted([0.1, 0.2]), [])
    assert epoch_of(tmp_path / LAST) == 1


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda whole: whole[:-20], "it is cut off"),
        (lambda whole: whole[: len(whole) // 2], "it is cut off, or no checkpoint"),
        (lambda _: b"", "it is empty"),
        (lambda _: b"something else", "it is cut off, or no checkpoint"),
        (lambda whole: whole[:1000] + b"\x99" + whole[1001:], "its checksum differs"),
    ],
)
def test_damaged_last_checkpoint_is_set_aside_and_the_previous_one_serves(
    damage: object, fault: str, two: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = damage((two / LAST).read_bytes())  # type: ignore[operator]
    (two / LAST).write_bytes(damaged)
    with caplog.at_level(logging.WARNING, "tlx"):
        assert checkpoint_to_resume(two) == two / PREVIOUS
    assert [one.getMessage() for one in caplog.records] == [
        f"{two / LAST} cannot be used: {fault}; it is kept as last.ckpt.unusable; "
        "the fit goes on from checkpoints/previous.ckpt, which is whole"
    ]
    assert (two / "checkpoints/last.ckpt.unusable").read_bytes() == damaged
    caplog.clear()
    assert checkpoint_to_resume(two) == two / PREVIOUS
    assert not caplog.records


def test_fit_resumed_from_the_previous_checkpoint_ends_like_an_unbroken_one(two: Path) -> None:
    (two / LAST).write_bytes(b"")
    start, best = checkpoint_to_resume(two), BestWeights(two)
    fit_scripted(two, Scripted([0.1, 0.2, 0.3]), [best], resume=start)
    assert (best.epoch, float(load_file(best.path)["weight"])) == (3, 3.0)
    assert (epoch_of(two / LAST), epoch_of(two / PREVIOUS)) == (2, 1)


def test_no_whole_checkpoint_is_told_of_and_nothing_is_lost(
    two: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (two / LAST).write_bytes(b"1")
    (two / PREVIOUS).unlink()
    (two / PREVIOUS).mkdir()
    (two / "checkpoints/last.ckpt.unusable").write_bytes(b"earlier")
    with caplog.at_level(logging.WARNING, "tlx"):
        assert checkpoint_to_resume(two) is None
    (said,) = (one.getMessage() for one in caplog.records)
    assert "last.ckpt cannot be used: it is cut off, or no checkpoint; it is kept as" in said
    assert "previous.ckpt cannot be used: it is no file; it is kept as previous.ckpt.un" in said
    assert said.endswith("there is no whole checkpoint, and the fit starts from its first epoch")
    assert (two / "checkpoints/last.ckpt.unusable").read_bytes() == b"earlier"
    assert (two / "checkpoints/last.ckpt.unusable1").read_bytes() == b"1"


def test_checkpoint_of_another_run_is_not_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "checkpoints").mkdir()
    CheckpointFiles("one").save_checkpoint({"epoch": 1}, tmp_path / LAST)
    assert checkpoint_to_resume(tmp_path, "one") == tmp_path / LAST
    assert checkpoint_to_resume(tmp_path, "") == tmp_path / LAST
    assert checkpoint_to_resume(tmp_path, "other") is None
    assert "last.ckpt cannot be used: it is a checkpoint of another run; it is" in caplog.text


def test_checkpoint_of_an_older_version_is_read_and_said_to_have_no_checksum(
    two: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch.save(torch.load(two / LAST, weights_only=True), two / LAST)
    assert checkpoint_to_resume(two, "any") == two / LAST
    assert (
        f"{two / LAST} has no checksum (an older tlx wrote it); its parts are whole" in caplog.text
    )


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (open, ("/tmp/never-made-by-tlx", "w"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (_Evil(), "cannot be read as a checkpoint: Weights only load failed"),
        ([1, 2], "is no checkpoint of a fit."),
        ({"state_dict": {}}, "is no checkpoint of a fit."),
    ],
)
def test_checkpoint_with_code_or_without_a_fit_is_refused(
    content: object, text: str, tmp_path: Path
) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(TlxError) as error:
        CheckpointFiles().load_checkpoint(tmp_path / "a.ckpt", weights_only=False)
    assert text in str(error.value)
    assert not Path("/tmp/never-made-by-tlx").exists()


def test_checkpoint_killed_between_its_two_steps_leaves_the_previous_one(two: Path) -> None:
    (two / LAST).rename(two / PREVIOUS)  # the first step
    (two / "checkpoints/.last-0123abcd.ckpt").touch()
    assert checkpoint_to_resume(two) == two / PREVIOUS


def test_checkpoint_on_a_full_disk_is_one_sentence_and_the_last_one_stays(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 600) as disk:
        files, content = CheckpointFiles("r"), {"state_dict": {"a": torch.ones(20_000)}}
        files.save_checkpoint(content, disk / LAST)
        before = (disk / LAST).read_bytes()
        for free in (0, 4096, 40_960):
            filler = fill(disk, free)
            with pytest.raises(DiskError) as told:
                files.save_checkpoint(content, disk / LAST)
            where = f"{disk / LAST} cannot be written: the file system at {disk} "
            text = f"{where}has too little room ("
            assert str(told.value).startswith(text)
            assert [one.name for one in (disk / "checkpoints").iterdir()] == ["last.ckpt"]
            assert (disk / LAST).read_bytes() == before
            filler.unlink()
        files.save_checkpoint(content, disk / LAST)
        assert checkpoint_to_resume(disk, "r") == disk / LAST


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda path: path.unlink(), "it is gone"),
        (lambda path: path.write_bytes(b""), "it cannot be read ("),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "it cannot be read ("),
        (
            lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x01"),
            "its checksum differs",
        ),
        (
            lambda path: save_file({"a": torch.ones(1)}, path, {"state_fingerprint": "0"}),
            "its checksum differs",
        ),
    ],
)
def test_best_weights_that_are_damaged_have_the_fit_start_anew(
    damage: object, fault: str, two: Path, caplog: pytest.LogCaptureFixture
) -> None:
    best = BestWeights(two)
    assert best.is_whole()
    damage(best.path)  # type: ignore[operator]
    assert not best.is_whole()
    assert f"{best.path} cannot be used: {fault}" in caplog.text
    assert caplog.text.rstrip().endswith("; the fit starts from its first epoch")


def test_best_weights_of_another_run_are_not_taken(two: Path) -> None:
    save_file({"a": torch.ones(1)}, two / "checkpoints/best.safetensors", {"run": "one"})
    assert BestWeights(two, run_id="one").is_whole()
    assert not BestWeights(two, run_id="other").is_whole()
