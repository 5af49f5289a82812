"""Checkpoints: written whole into the run's own folder, checked before they are read."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import torch
from pytorch_lightning.plugins.io import CheckpointIO

from tlx.errors import TlxError
from tlx.runs.atomic import atomic_path
from tlx.runs.run import LAST_CHECKPOINT, PREVIOUS_CHECKPOINT
from tlx.runs.sealed_file import SealingWriter, checked_seal

_CONTENT = {"epoch", "global_step", "state_dict", "loops", "optimizer_states", "callbacks"}
log = logging.getLogger("tlx")


class CheckpointFiles(CheckpointIO):
    """How Lightning writes and reads checkpoints.

    Lightning's own way writes into the system's temporary folder and moves the file, which is no
    single step between file systems. Here a new checkpoint is written beside its place; only when
    the disk holds it, with its checksum, the one before becomes `previous.ckpt`.

    Args:
        run_id: The run's id, which its checkpoints carry; empty for none.
    """

    def __init__(self, run_id: str = "") -> None:
        self._run_id = run_id

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: Any,
        storage_options: Any = None,  # noqa: ARG002
    ) -> None:
        """Write a checkpoint.

        Raises:
            DiskError: Where the disk is full, say; the checkpoint before stays.
        """
        place = Path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        previous = place.with_name(PREVIOUS_CHECKPOINT.name)
        with (
            atomic_path(place, durable=True, previous=previous) as temporary,
            temporary.open("wb") as file,
        ):
            _write(checkpoint, SealingWriter(file), self._run_id)

    def load_checkpoint(
        self,
        path: Any,
        map_location: Any = lambda storage, _: storage,
        weights_only: bool | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return a checkpoint's content: tensors and plain values, never code.

        Raises:
            TlxError: Where it is none.
        """
        try:
            content = torch.load(path, map_location=map_location, weights_only=True)
        except Exception as error:  # pickle and zip have many
            reason = " ".join(str(error).split())[:300]
            raise TlxError(f"{path} cannot be read as a checkpoint: {reason}") from error
        if not (isinstance(content, dict) and content.keys() >= _CONTENT):
            raise TlxError(f"{path} is no checkpoint of a fit.")
        return content

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint."""
        Path(path).unlink(missing_ok=True)


def _write(checkpoint: dict[str, Any], writer: SealingWriter, run_id: str) -> None:
    try:
        torch.save(checkpoint, cast(Any, writer))
    except RuntimeError:
        if writer.error is None:
            raise
        raise writer.error from None  # torch hides it behind one of its own
    writer.seal(run=run_id)


def checkpoint_to_resume(folder: Path, run_id: str = "") -> Path | None:
    """Return the newest whole checkpoint of a run; None where it has to start anew.

    What is no whole checkpoint of this run is kept under another name, and told of in the log.

    Args:
        folder: The run's folder.
        run_id: The run's id; empty where it is not known.
    """
    damaged: list[str] = []
    for place in (LAST_CHECKPOINT, PREVIOUS_CHECKPOINT):
        path = folder / place
        if not path.exists():
            continue
        fault = _fault(path, run_id)
        if fault is None:
            _tell(damaged, f"the fit goes on from {place}, which is whole")
            return path
        damaged.append(f"{path} cannot be used: {fault}; it is kept as {_set_aside(path).name}")
    _tell(damaged, "there is no whole checkpoint, and the fit starts from its first epoch")
    return None


def _fault(path: Path, run_id: str) -> str | None:
    """Return why a file is no checkpoint to go on from, in words, or None."""
    seal = checked_seal(path)
    if seal.fault is None and not seal.is_sealed:
        log.warning("%s has no checksum (an older tlx wrote it); its parts are whole", path)
    written_by = seal.about.get("run")
    if seal.fault is None and run_id and written_by and written_by != run_id:
        return "it is a checkpoint of another run"
    return seal.fault


def _set_aside(path: Path) -> Path:
    """Give a file that cannot be used another name, which no other file has."""
    names = (path.with_name(f"{path.name}.unusable{number or ''}") for number in range(1000))
    aside = next(name for name in names if not name.exists())
    return path.rename(aside)


def _tell(damaged: list[str], then: str) -> None:
    if damaged:
        log.warning("%s; %s", "; ".join(damaged), then)
