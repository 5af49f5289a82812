from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from tlx.activations.manifest import Manifest, read_manifest
from tlx.activations.parts import (
    MISSING,
    fault_of_part,
    forget_part,
    map_part,
    part_path,
    record_path,
    write_part,
)

MANIFEST = Manifest("k" * 64, 10, (3, 2), "float32", "float32", False, rows_per_part=4)
VALUES = np.arange(60, dtype=np.float32).reshape(10, 3, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / MANIFEST.key
    path.mkdir()
    for index in range(3):
        rows = VALUES[MANIFEST.rows_of(index).start : MANIFEST.rows_of(index).stop]
        write_part(path, MANIFEST, index, iter([rows[:1], rows[1:]]))
    return path


def test_manifest_tells_parts_rows_and_bytes() -> None:
    assert (MANIFEST.parts, MANIFEST.row_bytes, MANIFEST.bytes) == (3, 24, 240)
    assert [list(MANIFEST.rows_of(i)) for i in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert MANIFEST.part_shape(2) == (2, 3, 2)


def test_manifest_written_and_read_is_the_same_and_nonsense_is_none(tmp_path: Path) -> None:
    folder = tmp_path / MANIFEST.key
    folder.mkdir()
    assert read_manifest(folder) is None
    MANIFEST.write(folder)
    assert read_manifest(folder) == MANIFEST
    content = json.loads((folder / "entry.json").read_text())
    for nonsense in (
        {"rows": 0},
        {"stored": "object"},
        {"key": "other"},
        {"shape": None},
        {"shape": ["2", 3]},
        {"rows": 10**15, "rows_per_part": 1},
        {"rows": True},
        {"rows": 2.0},
        {"about": [1]},
        {"dtype": "load"},
        {"dtype": 5},
        {"channels_last": "no"},
        {"shape": [10**30]},
    ):
        (folder / "entry.json").write_text(json.dumps(content | nonsense))
        assert read_manifest(folder) is None
    (folder / "entry.json").write_text("{")
    assert read_manifest(folder) is None


def test_write_part_is_a_plain_npy_file_with_its_checksum(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == [
        f"part-0000{i}.{end}" for i in range(3) for end in ("json", "npy")
    ]
    loaded = np.load(part_path(folder, 2), allow_pickle=False)
    np.testing.assert_array_equal(loaded, VALUES[8:])
    known = json.loads(record_path(folder, 2).read_text())
    assert known["sha256"] == hashlib.sha256(part_path(folder, 2).read_bytes()).hexdigest()
    assert [fault_of_part(folder, MANIFEST, i, checksum=True) for i in range(3)] == [None] * 3


def test_write_part_of_the_wrong_rows_shape_or_type_writes_nothing(folder: Path) -> None:
    wrong = {
        "too few or too many": VALUES[:3],
        "shape": VALUES[:4, :2],
        "type float64": VALUES[:4].astype(np.float64),
    }
    for text, batch in wrong.items():
        with pytest.raises(ValueError, match=text):
            write_part(folder, MANIFEST, 0, [batch])
        assert fault_of_part(folder, MANIFEST, 0) == MISSING
        assert not list(folder.glob(".part*"))


def test_map_part_is_the_file_s_memory_and_a_stray_write_stays_private(folder: Path) -> None:
    mapped = map_part(folder, 0)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, VALUES[:4])
    mapped[0] = -1
    np.testing.assert_array_equal(map_part(folder, 0), VALUES[:4])


def test_fault_of_part_truncated_says_how_many_bytes(folder: Path) -> None:
    with part_path(folder, 1).open("r+b") as file:
        file.truncate(200)
    assert fault_of_part(folder, MANIFEST, 1) == "it has 200 bytes instead of 224"


def test_fault_of_part_with_a_flipped_bit_is_found_by_its_time_and_checksum(folder: Path) -> None:
    _flip(part_path(folder, 1), -1)
    assert fault_of_part(folder, MANIFEST, 1) == "its checksum differs"
    assert fault_of_part(folder, MANIFEST, 0) is None


def test_fault_of_part_whose_time_hides_the_damage_is_found_on_request(folder: Path) -> None:
    path = part_path(folder, 1)
    before = path.stat()
    _flip(path, -1)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert fault_of_part(folder, MANIFEST, 1) is None
    assert fault_of_part(folder, MANIFEST, 1, checksum=True) == "its checksum differs"


def test_fault_of_part_copied_elsewhere_is_checked_once_and_believed(folder: Path) -> None:
    os.utime(part_path(folder, 1), ns=(0, 12345))
    assert fault_of_part(folder, MANIFEST, 1) is None


def test_fault_of_part_with_another_header_is_found_though_the_size_is_right(folder: Path) -> None:
    path = part_path(folder, 0)
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"(4, 3, 2)", b"(4, 2, 3)"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert fault_of_part(folder, MANIFEST, 0) == "its header is not that of the array"


def test_fault_of_part_with_a_broken_record_says_so(folder: Path) -> None:
    record_path(folder, 0).write_text("{")
    fault = fault_of_part(folder, MANIFEST, 0)
    assert fault is not None
    assert fault.startswith("its record cannot be read (")


def test_forget_part_removes_it_and_what_an_interrupted_writer_left(folder: Path) -> None:
    (folder / ".part-00000-12345678.npy").touch()
    forget_part(folder, 0)
    assert fault_of_part(folder, MANIFEST, 0) == MISSING
    assert sorted(p.name for p in folder.glob("*0000[0]*")) == []
    assert fault_of_part(folder, MANIFEST, 1) is None


def _flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(bytes(content))
