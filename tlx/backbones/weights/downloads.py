"""torchvision's own weights: where torch.hub keeps their files, and how they get there."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import urlparse

import torch

from tlx.backbones.weights.shipped_models import shipped_names
from tlx.backbones.weights.sources import Source, WeightsError
from tlx.errors import Fault


def cached_file(source: Source) -> Path:
    """Return where torch.hub keeps (or would put) the file of torchvision weights."""
    if source.enum is None:
        raise ValueError(f"{source.words} are not torchvision's.")
    file_name = Path(urlparse(source.enum.url).path).name
    return Path(torch.hub.get_dir()) / "checkpoints" / file_name


def ensure_downloaded(source: Source) -> None:
    """Download torchvision weights that are not in torch.hub's folder yet.

    Sources of other kinds are left alone.

    Args:
        source: Where the weights come from.

    Raises:
        WeightsError: If the download fails; it says where the file would have to lie.
    """
    if source.enum is None or cached_file(source).is_file():
        return
    try:
        source.enum.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        raise WeightsError(_not_downloaded(source, cached_file(source), error)) from error


def _not_downloaded(source: Source, file: Path, error: Exception) -> Fault:
    shipped = ", ".join(shipped_names())
    use_shipped = f"use a shipped model ({shipped}), " if shipped else ""
    reason = f"the download of {file.name} failed ({error})"
    remedy = (
        f"Offline, copy the file to {file}, give the path of a weights file, "
        f"{use_shipped}or train from scratch with weights=null."
    )
    return Fault("backbone.weights", source.words, reason, remedy)
