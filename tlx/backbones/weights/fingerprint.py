"""A fingerprint of a network's weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def state_fingerprint(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of a state dict: names, dtypes, shapes and bytes, in hexadecimal.

    The order of the entries does not matter.

    Args:
        state: Tensors by name.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name}|{value.dtype}|{tuple(value.shape)}|".encode())
        if value.numel():
            digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
