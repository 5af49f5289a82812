from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tlx.runs import mapped_files
from tlx.runs.mapped_files import MappedFileChangedError, refuse_changed, watch


def mapped(path: Path) -> torch.Tensor:
    np.save(path, np.arange(5000))
    array = np.load(path, mmap_mode="c")
    watch(array, path)
    return torch.from_numpy(array)


def test_mapped_files_that_are_as_they_were_are_fine(tmp_path: Path) -> None:
    tensor = mapped(tmp_path / "a.npy")
    tensor[0] = 7  # a private copy
    os.utime(tmp_path / "a.npy", ns=(1, (tmp_path / "a.npy").stat().st_mtime_ns))
    refuse_changed()


def test_mapped_file_cut_off_is_refused_with_its_sizes(tmp_path: Path) -> None:
    tensor = mapped(tmp_path / "a.npy")
    size = (tmp_path / "a.npy").stat().st_size
    os.truncate(tmp_path / "a.npy", 100)
    with pytest.raises(MappedFileChangedError) as error:
        refuse_changed()
    assert str(error.value) == (
        f"{tmp_path}/a.npy was cut off at 100 of {size} bytes, by another program, while it was "
        "in use. Run the same again: what is damaged is made anew."
    )
    del tensor


def test_mapped_file_written_to_in_place_is_refused(tmp_path: Path) -> None:
    tensor = mapped(tmp_path / "a.npy")
    with (tmp_path / "a.npy").open("r+b") as file:
        file.seek(500)
        file.write(b"x")
    os.utime(tmp_path / "a.npy", (5, 5))
    with pytest.raises(MappedFileChangedError, match=r"a\.npy was written to, by another program"):
        refuse_changed()
    del tensor


def test_mapped_file_removed_or_replaced_is_still_what_it_was(tmp_path: Path) -> None:
    removed, replaced = mapped(tmp_path / "a.npy"), mapped(tmp_path / "b.npy")
    (tmp_path / "a.npy").unlink()
    (tmp_path / "other").write_bytes(b"short")
    (tmp_path / "other").replace(tmp_path / "b.npy")
    refuse_changed()
    assert removed.equal(torch.arange(5000))
    assert replaced.equal(torch.arange(5000))


def test_mapped_file_that_nobody_holds_is_forgotten(tmp_path: Path) -> None:
    gc.collect()  # what other tests held goes first
    before = len(mapped_files._mapped)
    tensor = mapped(tmp_path / "a.npy")
    half = tensor[2500:]
    assert len(mapped_files._mapped) == before + 1
    os.truncate(tmp_path / "a.npy", 0)
    del tensor, half
    gc.collect()
    assert len(mapped_files._mapped) == before
    refuse_changed()


def test_many_mapped_files_are_named_in_part(tmp_path: Path) -> None:
    held = [mapped(tmp_path / f"{number}.npy") for number in range(5)]
    for number in range(5):
        os.truncate(tmp_path / f"{number}.npy", 0)
    with pytest.raises(MappedFileChangedError, match=r"; and 2 more, by another program, while"):
        refuse_changed()
    del held
