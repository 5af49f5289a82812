"""Files that carry their own checksum: behind the content, so that they are written in one go.

The end of a sealed file is a line of JSON (bytes and SHA-256 of the content, and what the writer
has to say of it), the length of that line in eight bytes, and a mark. torch's own reader, and any
other program that reads zip files, passes over it.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

MARK = b"tlx-sealed-file1"
_LENGTH_BYTES = 8
_MOST_SEAL_BYTES = 10_000
_ZIP_END, _ZIP_END_BYTES = b"PK\x05\x06", 22


class SealingWriter:
    """A file that is being written, with the checksum of what it holds so far.

    Args:
        file: Open for writing bytes, empty.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._bytes = 0
        self.error: OSError | None = None

    def write(self, data: bytes | memoryview) -> int:
        """Write bytes, and return how many; keeps the disk's refusal, which callers may hide."""
        try:
            self._file.write(data)
        except OSError as error:
            self.error = error
            raise
        self._digest.update(data)
        self._bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Pass on what is buffered."""
        self._file.flush()

    def seal(self, **about: str) -> None:
        """Write the checksum, and what is to be known of the content."""
        content = {"bytes": self._bytes, "sha256": self._digest.hexdigest(), **about}
        line = json.dumps(content).encode()
        self._file.write(line + len(line).to_bytes(_LENGTH_BYTES, "little") + MARK)


@dataclass(frozen=True)
class Seal:
    """What the end of a file says of its content.

    Args:
        fault: Why the file cannot be used, in words; None where it is whole.
        is_sealed: Whether it has a checksum at all.
        about: What its writer has noted.
    """

    fault: str | None
    is_sealed: bool = True
    about: dict[str, Any] = field(default_factory=dict)


def checked_seal(path: Path) -> Seal:
    """Compare a file with its checksum.

    A zip archive without a seal, as torch and older versions of tlx write checkpoints, is compared
    with the checksums of its members.

    Args:
        path: The file.
    """
    try:
        if not path.is_file():
            return Seal("it is no file")
        with path.open("rb") as file:
            return _checked(file)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        return Seal(f"it cannot be read ({' '.join(str(error).split())})")


def _checked(file: IO[bytes]) -> Seal:
    size = file.seek(0, os.SEEK_END)
    if not size:
        return Seal("it is empty")
    about = _read_seal(file, size)
    if about is None:
        return _checked_archive(file, size)
    if _sha256(file, about["bytes"]) != about["sha256"]:
        return Seal("its checksum differs")
    return Seal(None, about=about)


def _read_seal(file: IO[bytes], size: int) -> dict[str, Any] | None:
    """Return what a file's seal says, or None where it has none, or one that does not fit it."""
    tail = _LENGTH_BYTES + len(MARK)
    file.seek(max(0, size - tail))
    end = file.read()
    length = int.from_bytes(end[:_LENGTH_BYTES], "little")
    if end[_LENGTH_BYTES:] != MARK or length > min(_MOST_SEAL_BYTES, size - tail):
        return None
    file.seek(size - tail - length)
    try:
        about = json.loads(file.read(length))
        fits = about["bytes"] == size - tail - length and isinstance(about["sha256"], str)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return about if fits else None


def _checked_archive(file: IO[bytes], size: int) -> Seal:
    """Check an archive without a seal by its members' own checksums."""
    file.seek(max(0, size - _MOST_SEAL_BYTES))
    tail = file.read()
    place = tail.rfind(_ZIP_END)
    if place < 0:
        return Seal("it is cut off, or no checkpoint", is_sealed=False)
    comment = int.from_bytes(tail[place + _ZIP_END_BYTES - 2 : place + _ZIP_END_BYTES], "little")
    if len(tail) != place + _ZIP_END_BYTES + comment:
        return Seal("it is cut off", is_sealed=False)
    with zipfile.ZipFile(file) as archive:
        packed = any(member.compress_type for member in archive.infolist())
        names = archive.namelist()
        if packed or not any(name.endswith("/data.pkl") for name in names):
            return Seal("it is no checkpoint", is_sealed=False)
        damaged = archive.testzip()
    fault = None if damaged is None else "its checksum differs"
    return Seal(fault, is_sealed=False)


def _sha256(file: IO[bytes], length: int) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    left = length
    while left:
        block = file.read(min(left, 1 << 20))
        if not block:
            break
        digest.update(block)
        left -= len(block)
    return digest.hexdigest()
