"""Decoded images kept on disk: a data set is decoded once, and mapped into memory afterwards."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
import PIL
from filelock import FileLock
from numpy.typing import NDArray

from tlx.data.images.files.grey_levels import DeepLevels
from tlx.data.images.files.image_file import DecodedImage
from tlx.data.images.files.image_limits import ImageFileError, quiet_about_size
from tlx.progress import counted
from tlx.runs.atomic import write_json
from tlx.runs.disk import disk_error
from tlx.runs.mapped_files import watch
from tlx.runs.stored import read_json

FORMAT: Final = 2
DIGEST_BYTES: Final = 32
BLOCK: Final = 256
"""Images that wait for a thread at a time."""
IMAGES_FILE, DIGESTS_FILE, LABELS_FILE = "images.npy", "digests.npy", "labels.npy"
ABOUT_FILE = "about.json"
log = logging.getLogger("tlx")


@dataclass(frozen=True)
class DecodedImages:
    """The images of a data set, decoded.

    Args:
        pixels: uint8, shape (n, channels, size, size), memory-mapped; zero where a file is bad.
        digests: SHA-256 of each file, shape (n, 32), uint8.
        labels: Class index of each image where the images told it, else -1, shape (n,).
        modes: How many images were stored in each of PIL's modes.
        faults: Reason why a position has no image.
        levels: What is known of those with more than 8 bits per level.
        decoded_now: Whether they were decoded just now, rather than read from disk.
    """

    pixels: NDArray[np.uint8]
    digests: NDArray[np.uint8]
    labels: NDArray[np.int64]
    modes: dict[str, int]
    faults: dict[int, str]
    levels: DeepLevels
    decoded_now: bool

    def rows(self, chosen: NDArray[np.int64]) -> DecodedImages:
        """Return some of the images, without a copy where that is all."""
        if len(chosen) == len(self.pixels):
            return self
        place = {int(row): number for number, row in enumerate(chosen)}
        faults = {place[row]: reason for row, reason in self.faults.items() if row in place}
        return DecodedImages(
            self.pixels[chosen],
            self.digests[chosen],
            self.labels[chosen],
            self.modes,
            faults,
            self.levels,
            self.decoded_now,
        )


@dataclass(frozen=True)
class Decoding:
    """What to decode, and what it depends on.

    Args:
        count: Number of images.
        shape: Shape of a decoded image (channels, size, size).
        depends_on: Everything that decides the pixels, as plain values: files, their sizes and
            times of change, options.
        decode: Returns the image at a position; raises `ImageFileError` for a bad one.
        threads: Images decoded at a time.
    """

    count: int
    shape: tuple[int, int, int]
    depends_on: Mapping[str, Any]
    decode: Callable[[int], DecodedImage]
    threads: int

    @property
    def key(self) -> str:
        """SHA-256 of all that the pixels depend on, in hexadecimal."""
        parts = {"format": FORMAT, "pillow": PIL.__version__, "shape": self.shape}
        text = json.dumps(parts | dict(self.depends_on), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def decoded_images(asked: Decoding, cache: Path) -> DecodedImages:
    """Return decoded images: from the cache, or decoded now and put there.

    Of several processes the first decodes and the others wait. Where the cache cannot be written,
    they are decoded into a file that goes away with the process.

    Args:
        asked: What to decode.
        cache: Folder of the cache.

    Raises:
        DiskError: Where there is room neither there nor in the system's temporary folder.
    """
    folder = cache / asked.key[:32]
    found = _read(folder, asked)
    if found is not None:
        return found
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{folder.name}.lock"):
            found = _read(folder, asked)  # by whom this process waited for
            return found if found is not None else _decode_into(folder, asked)
    except OSError as error:
        log.warning("decoded images are not kept in %s: %s", cache, error)
        return _decoded_in_passing(asked, folder.name)


def _decoded_in_passing(asked: Decoding, name: str) -> DecodedImages:
    """Decode into the system's temporary folder.

    Raises:
        DiskError: Where there is no room either.
    """
    passing = Path(tempfile.mkdtemp())
    try:
        return _decode_into(passing / name, asked)
    except OSError as error:
        raise disk_error(error, passing) or error from error
    finally:
        shutil.rmtree(passing, ignore_errors=True)  # the mapping outlives its file's name


def _decode_into(folder: Path, asked: Decoding) -> DecodedImages:
    """Decode into a new folder beside its place, and put it there when it is whole."""
    temporary = folder.with_name(f".{folder.name}-{uuid4().hex[:8]}")
    temporary.mkdir()
    try:
        _write(temporary, asked)
        shutil.rmtree(folder, ignore_errors=True)  # damaged, or it would have been read
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    found = _read(folder, asked)
    if found is None:
        raise OSError(f"what was just written to {folder} cannot be read")
    return DecodedImages(**{**vars(found), "decoded_now": True})


def _write(folder: Path, asked: Decoding) -> None:
    whole = (asked.count, *asked.shape)
    pixels = np.lib.format.open_memmap(folder / IMAGES_FILE, mode="w+", dtype=np.uint8, shape=whole)
    _allocate(folder / IMAGES_FILE)
    digests = np.zeros((asked.count, DIGEST_BYTES), np.uint8)
    labels = np.full(asked.count, -1, np.int64)
    modes: dict[str, int] = {}
    faults: dict[int, str] = {}
    levels = DeepLevels()

    def one(position: int) -> DecodedImage | str:
        try:
            return asked.decode(position)
        except ImageFileError as error:
            return str(error)

    with (
        quiet_about_size(),
        counted(asked.count, "decoding") as advance,
        ThreadPoolExecutor(asked.threads) as pool,
    ):
        for first in range(0, asked.count, BLOCK):
            positions = range(first, min(first + BLOCK, asked.count))
            for position, image in zip(positions, pool.map(one, positions), strict=True):
                if isinstance(image, str):
                    faults[position] = image
                    continue
                pixels[position] = image.pixels
                digests[position] = np.frombuffer(image.digest, np.uint8)
                labels[position] = image.label
                modes[image.mode] = modes.get(image.mode, 0) + 1
                levels = levels.with_picture(image.highest, image.mode)
            advance(len(positions))
    pixels.flush()
    np.save(folder / DIGESTS_FILE, digests)
    np.save(folder / LABELS_FILE, labels)
    now_s = int(time.time())  # whole seconds, which every file system keeps
    os.utime(folder / IMAGES_FILE, (now_s, now_s))
    about = {"key": asked.key, "modes": modes, "faults": faults, "levels": asdict(levels)}
    write_json(folder / ABOUT_FILE, about | {"changed_s": now_s})


def _allocate(path: Path) -> None:
    """Have the disk keep room for a mapped file: writing to one on a full disk ends the process.

    Raises:
        OSError: Where there is none.
    """
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _read(folder: Path, asked: Decoding) -> DecodedImages | None:
    """Return what a folder holds; None where that is nothing, damaged, or something else."""
    try:
        about = read_json(folder / ABOUT_FILE, 2**30)
        # Copy on write: torch wants memory that may be written, and the file stays as it is.
        pixels = np.load(folder / IMAGES_FILE, mmap_mode="c", allow_pickle=False)
        digests = np.load(folder / DIGESTS_FILE, allow_pickle=False)
        labels = np.load(folder / LABELS_FILE, allow_pickle=False)
        whole = (asked.count, *asked.shape)
        watch(pixels, folder / IMAGES_FILE)
        sound = (about["key"], pixels.shape, pixels.dtype) == (asked.key, whole, np.uint8)
        changed_ns = (folder / IMAGES_FILE).stat().st_mtime_ns
        sound = sound and about.get("changed_s", changed_ns / 1e9) == changed_ns / 1e9
        if not sound or len(digests) != asked.count or len(labels) != asked.count:
            return None
        faults = {int(position): str(reason) for position, reason in about["faults"].items()}
        modes = {str(mode): int(count) for mode, count in about["modes"].items()}
        levels = DeepLevels(**{str(name): int(n) for name, n in about["levels"].items()})
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return DecodedImages(pixels, digests, labels, modes, faults, levels, decoded_now=False)
