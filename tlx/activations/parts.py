"""The parts of an entry: `.npy` files which appear whole or not at all, each with its checksum.

A part `part-00000.npy` is finished once `part-00000.json` beside it tells its size, checksum and
time of modification. Opening a part always compares size, time and the array's header with that.
The checksum itself, which means reading all bytes, is computed where the time differs (the file
was written to, or copied from elsewhere), once per process and file. Damage that leaves even the
time as it was, as a failing disk makes, is found by `python -m tlx.activations verify`.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlx.activations.manifest import Manifest
from tlx.runs.atomic import atomic_path, write_json
from tlx.runs.mapped_files import watch
from tlx.runs.stored import read_json

MISSING = "missing"
_checked: set[tuple[str, int, int, int]] = set()


def part_path(folder: Path, index: int) -> Path:
    """Return the file of a part's activations."""
    return folder / f"part-{index:05d}.npy"


def record_path(folder: Path, index: int) -> Path:
    """Return the file that tells size and checksum of a part."""
    return part_path(folder, index).with_suffix(".json")


def write_part(
    folder: Path, manifest: Manifest, index: int, batches: Iterable[NDArray[Any]]
) -> None:
    """Write one part, batch by batch, and then the record that makes it count.

    Args:
        folder: The entry's folder.
        manifest: The entry's layout.
        index: Which part.
        batches: Arrays (n, *shape), in order, which together are the part.

    Raises:
        ValueError: Where the batches do not make up the part.
        OSError: Where the disk is full, say.
    """
    forget_part(folder, index)
    path, digest = part_path(folder, index), hashlib.sha256()
    with atomic_path(path) as temporary:
        with temporary.open("wb") as file:
            header = _header(manifest, index)
            digest.update(header)
            file.write(header)
            for block in _blocks(manifest, batches):
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        if temporary.stat().st_size != _file_bytes(manifest, index):
            raise ValueError(f"part {index} of {folder.name} got too few or too many images.")
    found = path.stat()
    known = {"bytes": found.st_size, "sha256": digest.hexdigest(), "mtime_ns": found.st_mtime_ns}
    write_json(record_path(folder, index), known)


def _blocks(manifest: Manifest, batches: Iterable[NDArray[Any]]) -> Iterator[memoryview]:
    for batch in batches:
        if batch.shape[1:] != manifest.shape or batch.dtype != np.dtype(manifest.stored):
            raise ValueError(
                f"activations of shape {batch.shape[1:]} and type {batch.dtype} do not fit "
                f"{manifest.shape} and {manifest.stored}."
            )
        yield np.ascontiguousarray(batch).reshape(-1).view(np.uint8).data


def _header(manifest: Manifest, index: int) -> bytes:
    buffer = io.BytesIO()
    stored = np.lib.format.dtype_to_descr(np.dtype(manifest.stored))
    shape = manifest.part_shape(index)
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": stored, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


def _file_bytes(manifest: Manifest, index: int) -> int:
    return len(_header(manifest, index)) + len(manifest.rows_of(index)) * manifest.row_bytes


def forget_part(folder: Path, index: int) -> None:
    """Remove a part, its record first, and what an interrupted writer left of it."""
    stem = part_path(folder, index).stem
    left = folder.glob(f".{stem}-*")
    for path in (record_path(folder, index), part_path(folder, index), *left):
        if path.is_dir() and not path.is_symlink():  # nothing of ours, but in its place
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def fault_of_part(
    folder: Path, manifest: Manifest, index: int, *, checksum: bool = False
) -> str | None:
    """Return what is wrong with a part, `MISSING` where it was never finished, None if nothing.

    Args:
        folder: The entry's folder.
        manifest: The entry's layout.
        index: Which part.
        checksum: Compute the checksum whatever the file's time says.
    """
    path = part_path(folder, index)
    try:
        known = read_json(record_path(folder, index))
        found = path.stat()
        expected, sha256, mtime_ns = known["bytes"], known["sha256"], known["mtime_ns"]
    except FileNotFoundError:
        return MISSING
    except (OSError, ValueError, TypeError, KeyError) as error:
        return f"its record cannot be read ({error})"
    if found.st_size != expected or expected != _file_bytes(manifest, index):
        return f"it has {found.st_size} bytes instead of {_file_bytes(manifest, index)}"
    identity = (str(path), found.st_ino, found.st_size, found.st_mtime_ns)
    trusted = found.st_mtime_ns == mtime_ns or identity in _checked
    try:
        with path.open("rb") as file:
            if file.read(len(_header(manifest, index))) != _header(manifest, index):
                return "its header is not that of the array"
        if (checksum or not trusted) and _sha256(path) != sha256:
            return "its checksum differs"
    except OSError as error:
        return f"it cannot be read ({error})"
    if checksum or not trusted:
        _checked.add(identity)
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def map_part(folder: Path, index: int) -> NDArray[Any]:
    """Return a part as a memory-mapped array.

    The mapping is private (copy on write): processes share the pages as long as nobody writes,
    and a stray write changes neither the file nor what others see.
    """
    path = part_path(folder, index)
    mapped: NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    watch(mapped, path)
    return mapped
