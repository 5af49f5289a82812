"""What a file is by its first bytes, whatever its name ends in."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Final

from tlx.backbones.weights.files.claims import UnreadableError

OLD_TORCH_START: Final = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickled number with which torch.save began its files before torch 1.6."""
_HEAD_BYTES: Final = 512
_MAX_HEADER_BYTES: Final = 100_000_000
_TAR_MARK: Final = slice(257, 262)
_UNPACK: Final = "Unpack it, and give the weights file inside."
_SAVE: Final = "Save the weights by torch.save(network.state_dict(), path) or as safetensors."


class Format(Enum):
    """The forms of files that hold weights."""

    SAFETENSORS = "safetensors"
    TORCH_ZIP = "torch.save's"
    TORCH_OLD = "torch.save's before torch 1.6"


_OTHERS: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"\x1f\x8b", "it is a gzip archive", _UNPACK),
    (b"BZh", "it is a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ", "it is an xz archive", _UNPACK),
    (b"7z\xbc\xaf", "it is a 7z archive", _UNPACK),
    (b"\x89HDF", "it is an HDF5 file (Keras)", _SAVE),
    (b"\x93NUMPY", "it is a NumPy array", _SAVE),
    (b"GGUF", "it is a GGUF file", _SAVE),
    (
        b"version https://git-lfs",
        "it is a pointer of Git LFS and not the file itself",
        "Fetch the file: git lfs pull.",
    ),
    (b"\x80", "it is a pickle, but not one of torch.save", f"A pickle can run code. {_SAVE}"),
)


def format_of(path: Path) -> Format:
    """Return what a file's content is.

    Args:
        path: A file.

    Raises:
        UnreadableError: If it is nothing that weights are read from; it says what it is instead.
    """
    if not path.is_file():
        raise UnreadableError("it is no regular file", "Give the path of a weights file.")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise UnreadableError(f"it cannot be read ({error.strerror})") from error
    if not head:
        raise UnreadableError("the file is empty", "Copy or download it again.")
    if head.startswith(b"PK\x03\x04"):
        return Format.TORCH_ZIP
    if head.startswith(OLD_TORCH_START):
        return Format.TORCH_OLD
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _MAX_HEADER_BYTES:
        return Format.SAFETENSORS
    raise _unknown(head)


def _unknown(head: bytes) -> UnreadableError:
    for start, reason, remedy in _OTHERS:
        if head.startswith(start):
            return UnreadableError(reason, remedy)
    if head[_TAR_MARK] == b"ustar":
        return UnreadableError("it is a tar archive", _UNPACK)
    text = head.lstrip()
    if text[:14].lower().startswith((b"<!doctype html", b"<html")):
        reason = "it is a web page and not the file that was meant"
        return UnreadableError(reason, "Download the file itself.")
    if text.startswith((b"{", b"[")):
        reason = "it is JSON: a list of files, or a configuration, and no weights"
        return UnreadableError(reason, "Give the weights file; of several parts, one whole file.")
    reason = "its content is neither safetensors nor that of torch.save"
    return UnreadableError(reason, "Give a file that torch.save or safetensors wrote, or a run.")
