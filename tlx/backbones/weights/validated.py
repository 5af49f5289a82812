"""Weights that were found sound in this process: the jobs of a head bank ask the same again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tlx.errors import Fault

_sound: set[Any] = set()


def faults_unless_known(
    name: str, weights: str | None, options: tuple[Any, ...], find: Callable[[], list[Fault]]
) -> list[Fault]:
    """Return faults, or none at once where the same file was asked with the same options before.

    Args:
        name: A builder name.
        weights: As for `tlx.backbones.weights.sources.resolve`.
        options: What else the answer depends on.
        find: Looks for faults.
    """
    key = (name, weights, _state_of_file(name, weights), options)
    if key in _sound:
        return []
    faults = find()
    if not faults:
        _sound.add(key)
    return faults


def _state_of_file(name: str, weights: str | None) -> tuple[int, int] | None:
    from tlx.backbones.weights.kept_weights import file_of
    from tlx.backbones.weights.sources import WeightsError, resolve

    try:
        file = None if weights is None else file_of(resolve(name, weights))
    except WeightsError:
        return None
    if file is None:
        return None
    status = file.stat()
    return status.st_mtime_ns, status.st_size
