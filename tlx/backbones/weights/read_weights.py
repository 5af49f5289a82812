"""A source's tensors, whether they are a file's, a shipped model's or torchvision's."""

from __future__ import annotations

from tlx.backbones.weights.downloads import cached_file, ensure_downloaded
from tlx.backbones.weights.kept_weights import any_kept, file_of, is_kept, keep, kept, key_of
from tlx.backbones.weights.sources import Source, WeightsError, resolve
from tlx.backbones.weights.state_files import WEIGHTS_KEY, FileState, read_state
from tlx.errors import Fault


def read_weights(
    name: str,
    source: Source,
    *,
    shapes_only: bool = False,
    weights_key: str | None = None,
) -> FileState:
    """Return the state dict of any source but scratch.

    Args:
        name: A builder name.
        source: Where the weights come from.
        shapes_only: Return tensors on the meta device, and read names and shapes alone.
        weights_key: See `read_state`; for files alone.

    Raises:
        WeightsError: If the weights cannot be downloaded or read.
    """
    found = None if shapes_only or not any_kept() else kept(file_of(source), name, weights_key)
    if found is not None:
        return found
    if source.enum is not None:
        return _of_torchvision(name, source, shapes_only, weights_key)
    if source.path is None:
        raise ValueError(f"{source.words} are in no file.")
    return read_state(
        name, source.path, source.words, shapes_only=shapes_only, weights_key=weights_key
    )


def keep_weights(name: str, weights: str | None, weights_key: str | None = None) -> None:
    """Read a builder's weights and keep them for forks of this process.

    Args:
        name: A builder name.
        weights: As for `resolve`; from scratch there is nothing to keep.
        weights_key: Which of the file's networks to read.
    """
    if weights is None:
        return
    source = resolve(name, weights)
    file = file_of(source)
    if file is not None and not is_kept(key_of(file, name, weights_key)):
        state = read_weights(name, source, weights_key=weights_key)
        keep(key_of(file, name, weights_key), state)


def _of_torchvision(
    name: str, source: Source, shapes_only: bool, weights_key: str | None
) -> FileState:
    if weights_key is not None:
        reason = f"{source.words} is one network, and nothing in it is named"
        raise WeightsError(Fault(WEIGHTS_KEY, weights_key, reason, "Leave it out."))
    ensure_downloaded(source)
    file = cached_file(source)
    try:
        return read_state(name, file, source.words, shapes_only=shapes_only)
    except WeightsError as error:
        reason = f"{file}: {error.fault.reason}"
        remedy = "Delete the file and download it again, or copy a whole one there."
        raise WeightsError(Fault("backbone.weights", source.words, reason, remedy)) from error
