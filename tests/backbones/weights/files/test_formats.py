"""A file is what its content says."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tlx.backbones.weights.files.claims import UnreadableError
from tlx.backbones.weights.files.formats import Format, format_of

STATE = {"a": torch.ones(2)}


def test_format_of_weights_is_known_whatever_their_name(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "a.bin")
    torch.save(STATE, tmp_path / "b.safetensors")
    torch.save(STATE, tmp_path / "c.pth.tar", _use_new_zipfile_serialization=False)
    assert format_of(tmp_path / "a.bin") is Format.SAFETENSORS
    assert format_of(tmp_path / "b.safetensors") is Format.TORCH_ZIP
    assert format_of(tmp_path / "c.pth.tar") is Format.TORCH_OLD


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\x1f\x8b\x08", "it is a gzip archive"),
        (b"\x00" * 257 + b"ustar" + b"\x00" * 250, "it is a tar archive"),
        (b"\x89HDF\r\n", r"it is an HDF5 file \(Keras\)"),
        (b"\n<!DOCTYPE HTML><html>", "it is a web page and not the file that was meant"),
        (b'{"weight_map": {}}', "it is JSON: a list of files"),
        (b"\x08\x07\x12\x07pytorch", "neither safetensors nor that of torch.save"),
        (pickle.dumps({"a": 1}), "it is a pickle, but not one of torch.save"),
        ((10**11).to_bytes(8, "little") + b"{}", "neither safetensors nor that of torch.save"),
    ],
)
def test_format_of_other_files_says_what_they_are(
    content: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(UnreadableError, match=words):
        format_of(tmp_path / "w.pt")


def test_format_of_a_pipe_does_not_wait_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "w.pt")
    with pytest.raises(UnreadableError, match="it is no regular file"):
        format_of(tmp_path / "w.pt")


def test_format_of_any_zip_is_looked_at_later(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        archive.writestr("a", "b")
    assert format_of(tmp_path / "w.pt") is Format.TORCH_ZIP
