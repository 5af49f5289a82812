from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import torch

from tlx.runs.sealed_file import MARK, SealingWriter, checked_seal


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "a.ckpt"
    with path.open("wb") as file:
        writer = SealingWriter(file)
        torch.save({"a": torch.arange(1000), "b": [1.5, None]}, writer)
        writer.seal(run="r1")
    return path


def test_sealed_file_is_whole_and_read_by_torch(sealed: Path) -> None:
    seal = checked_seal(sealed)
    assert (seal.fault, seal.is_sealed, seal.about["run"]) == (None, True, "r1")
    content = torch.load(sealed, weights_only=True)
    assert content["a"].equal(torch.arange(1000))
    assert content["b"] == [1.5, None]


def test_sealed_file_cut_off_anywhere_is_not_whole(sealed: Path) -> None:
    whole = sealed.read_bytes()
    archive = len(whole) - whole[::-1].index(b"PK\x05\x06"[::-1]) - 4 + 22
    for length in {*range(0, len(whole), 97), *range(archive + 1, len(whole))}:
        sealed.write_bytes(whole[:length])
        assert checked_seal(sealed).fault is not None, length


def test_sealed_file_with_any_flipped_bit_of_its_content_is_not_whole(sealed: Path) -> None:
    whole = sealed.read_bytes()
    content = checked_seal(sealed).about["bytes"]
    for place in range(0, content, 37):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        sealed.write_bytes(flipped)
        assert checked_seal(sealed).fault == "its checksum differs"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "it is empty"),
        (b"hello", "it is cut off, or no checkpoint"),
        (b"\x00" * 5000, "it is cut off, or no checkpoint"),
        (MARK, "it is cut off, or no checkpoint"),
        (b"\xff" * 8 + MARK, "it is cut off, or no checkpoint"),
        (b"[" * 9000 + (9000).to_bytes(8, "little") + MARK, "it is cut off, or no checkpoint"),
    ],
)
def test_file_of_something_else_is_not_whole(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    assert checked_seal(tmp_path / "a").fault == fault


def test_folder_or_nothing_is_not_whole(tmp_path: Path) -> None:
    assert checked_seal(tmp_path).fault == "it is no file"
    assert checked_seal(tmp_path / "none").fault == "it is no file"


def test_archive_of_torch_without_a_seal_is_checked_by_its_members(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    torch.save({"a": torch.arange(1000)}, path)
    assert (checked_seal(path).fault, checked_seal(path).is_sealed) == (None, False)
    flipped = bytearray(path.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    path.write_bytes(flipped)
    assert checked_seal(path).fault == "its checksum differs"
    path.write_bytes(bytes(flipped[:-30]))
    assert checked_seal(path).fault == "it is cut off, or no checkpoint"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archive_of_something_else_is_no_checkpoint(compression: int, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("a/data.txt", "x" * 100)
    (tmp_path / "a").write_bytes(buffer.getvalue())
    assert checked_seal(tmp_path / "a").fault == "it is no checkpoint"
