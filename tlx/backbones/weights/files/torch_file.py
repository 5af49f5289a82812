"""Files of torch.save: what they claim, checked against the bytes they have, and their tensors."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from tlx.backbones.weights.files.claims import (
    OtherClaim,
    TensorClaim,
    UnreadableError,
    in_words,
    shown,
)
from tlx.backbones.weights.files.pickle_reader import MAX_PICKLE_BYTES, PickleReader

_DAMAGED: Final = (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, zlib.error)
_PREAMBLE_PICKLES: Final = 3
"""Before the content of an old file: a magic number, a protocol number and the machine's sizes."""
_COUNT_BYTES: Final = 8
"""Before each storage of an old file: how many numbers it has."""
_SHOWN_CLASSES: Final = 2


def torch_claims(path: Path, *, old: bool) -> Any:
    """Return what a file of torch.save claims to hold, with dense tensors as `TensorClaim`.

    Args:
        path: The file.
        old: Whether it is from before torch 1.6.

    Raises:
        UnreadableError: If it is damaged, claims more than its size allows, or holds objects.
    """
    reader = PickleReader()
    try:
        content = (_old_content if old else _zip_content)(path, reader)
    except (*_DAMAGED, NotImplementedError, struct.error) as error:
        raise UnreadableError(f"it cannot be read ({first_line(error)})") from error
    if reader.foreign:
        raise _foreign(reader.foreign, content, path)
    if reader.other_tensors:
        remedy = "Save dense tensors of ordinary numbers: torch.save(network.state_dict(), path)."
        raise UnreadableError(f"it holds a {reader.other_tensors[0]}".rstrip(","), remedy)
    return content


def load_torch(path: Path) -> Any:
    """Return the content of a file of torch.save whose claims were found sound.

    Raises:
        UnreadableError: If torch cannot read it without running code.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, *_DAMAGED, KeyError, TypeError, AssertionError) as error:
        raise UnreadableError(f"it cannot be read ({first_line(error)})") from error


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its kind where it has none."""
    return shown((str(error).splitlines() or [type(error).__name__])[0])


def _zip_content(path: Path, reader: PickleReader) -> Any:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        _check_zip(entries, names, path.stat().st_size)
        (pickled,) = (entry for entry in entries if entry.filename.endswith("/data.pkl"))
        if pickled.file_size > MAX_PICKLE_BYTES:
            raise UnreadableError("its pickle is larger than those of tensors are")
        content = reader.read(io.BytesIO(archive.read(pickled)))
    folder = pickled.filename.removesuffix("data.pkl")
    sizes = {entry.filename: entry.file_size for entry in entries}
    for claim in reader.storages.values():
        stored = sizes.get(f"{folder}data/{claim.key}", 0)
        if claim.nbytes > stored:
            raise _claims_more(claim.nbytes, stored)
    return content


def _check_zip(entries: Sequence[zipfile.ZipInfo], names: Sequence[str], size: int) -> None:
    if any(name.endswith("/constants.pkl") for name in names):
        reason = "it is a TorchScript program, which brings code of its own"
        raise UnreadableError(reason, _save_again("torch.jit.load(path).state_dict()"))
    if any(name.endswith(".npy") for name in names):
        reason = "it is a NumPy archive (.npz)"
        raise UnreadableError(reason, "Save the weights by torch.save(network.state_dict(), path).")
    if sum(name.endswith("/data.pkl") for name in names) != 1:
        reason = "it is a zip archive, but not one of torch.save"
        raise UnreadableError(reason, "Unpack it, and give the weights file inside.")
    claimed = sum(entry.file_size for entry in entries)
    if claimed > size or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise UnreadableError(
            f"its parts claim {in_words(claimed)} in a file of {in_words(size)}: they are "
            "compressed, which torch.save does not do",
            "Such a file may fill the memory and is not read. Save it again by torch.save.",
        )
    if len(set(names)) < len(names):
        raise UnreadableError("it holds two parts of one name, which torch.save does not write")


def _old_content(path: Path, reader: PickleReader) -> Any:
    with path.open("rb") as file:
        for _ in range(_PREAMBLE_PICKLES):
            reader.read(file)
        content = reader.read(file)
        reader.read(file)  # the order of the storages
        left = os.fstat(file.fileno()).st_size - file.tell()
    claimed = sum(claim.nbytes + _COUNT_BYTES for claim in reader.storages.values())
    if claimed > left:
        raise _claims_more(claimed, left)
    return content


def _claims_more(claimed: int, stored: int) -> UnreadableError:
    return UnreadableError(
        f"it cannot be read: its tensors claim {in_words(claimed)}, and the file stores "
        f"{in_words(stored)} for them"
    )


def _foreign(names: Sequence[str], content: Any, path: Path) -> UnreadableError:
    """Return why a file with Python objects is not loaded, and how to take its tensors out."""
    unlike = list(dict.fromkeys(map(shown, names)))
    more = f" and {len(unlike) - _SHOWN_CLASSES} more" if len(unlike) > _SHOWN_CLASSES else ""
    reason = f"it holds Python objects besides tensors ({', '.join(unlike[:_SHOWN_CLASSES])}{more})"
    return UnreadableError(reason, _save_again(_tensors_inside(content), path))


def _tensors_inside(content: Any) -> str:
    """Return the expression that takes the tensors out of such a file."""
    whole = "torch.load(path, weights_only=False)"
    if not isinstance(content, Mapping):
        return f"{whole}.state_dict()"
    if _tensors(content):
        return f"{{k: v for k, v in {whole}.items() if torch.is_tensor(v)}}"
    states = {key: _tensors(value) for key, value in content.items()}
    best = max(states, key=lambda key: states[key], default=None)
    if best is not None and states[best]:
        return f"{whole}[{shown(repr(best))}]"
    others = [key for key, value in content.items() if isinstance(value, OtherClaim)]
    return f"{whole}[{shown(repr(others[0]))}].state_dict()" if others else whole


def _tensors(value: Any) -> int:
    """Return how many tensors a mapping holds itself."""
    if not isinstance(value, Mapping):
        return 0
    return sum(isinstance(item, TensorClaim) for item in value.values())


def _save_again(expression: str, path: Path | None = None) -> str:
    file = "the file" if path is None else shown(path.name)
    return (
        f"Such a file could run code and is not loaded. If you trust where {file} comes from, "
        f"save its tensors alone: import torch; torch.save({expression}, 'state.pth')."
    )
