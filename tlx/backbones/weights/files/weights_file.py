"""One file of weights: what it claims, and its tensors once somebody wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from tlx.backbones.weights.files.claims import TensorClaim, UnreadableError, shown
from tlx.backbones.weights.files.formats import Format, format_of
from tlx.backbones.weights.files.torch_file import first_line, load_torch, torch_claims

_SAFETENSORS_TYPES: Final[dict[str, torch.dtype]] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "C64": torch.complex64,
}


@dataclass(frozen=True)
class WeightsFile:
    """A file whose claims were found sound.

    Args:
        path: The file.
        format: What it is by its content.
        claims: What it holds: nested mappings, with tensors as `TensorClaim`.
    """

    path: Path
    format: Format
    claims: Any

    def load(self) -> Any:
        """Return the content, with tensors on the CPU, laid out as in `claims`.

        Raises:
            UnreadableError: If it cannot be read without running code.
        """
        if self.format is not Format.SAFETENSORS:
            return load_torch(self.path)
        try:
            return load_file(self.path)
        except (SafetensorError, OSError, ValueError) as error:
            raise UnreadableError(f"it cannot be read ({first_line(error)})") from error


def open_weights(path: Path) -> WeightsFile:
    """Read what a file says it holds: names, shapes and types, and no tensor.

    Args:
        path: The file.

    Raises:
        UnreadableError: If it holds nothing that can be read safely, or claims more than it has.
    """
    found = format_of(path)
    if found is Format.SAFETENSORS:
        return WeightsFile(path, found, _safetensors_claims(path))
    return WeightsFile(path, found, torch_claims(path, old=found is Format.TORCH_OLD))


def _safetensors_claims(path: Path) -> Mapping[str, TensorClaim]:
    """Return the tensors of a safetensors file, whose library compares header and size."""
    claims = {}
    try:
        with safe_open(path, framework="pt") as file:
            for key in sorted(file.keys()):
                entry = file.get_slice(key)
                dtype = _SAFETENSORS_TYPES.get(entry.get_dtype())
                if dtype is None:
                    what = f"{shown(key)} is of the type {shown(entry.get_dtype())}"
                    raise UnreadableError(what, "Save it as float32, float16 or bfloat16.")
                claims[key] = TensorClaim(tuple(entry.get_shape()), dtype)
    except (SafetensorError, OSError, ValueError) as error:
        reason = f"it cannot be read as safetensors ({first_line(error)})"
        remedy = "Check that the file is whole; copy or export it again."
        raise UnreadableError(reason, remedy) from error
    return claims
