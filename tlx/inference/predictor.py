"""A run's model, loaded and ready to predict."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from tlx.backbones import build_backbone
from tlx.backbones.weights.card import read_card
from tlx.backbones.weights.fingerprint import state_fingerprint
from tlx.errors import TlxError
from tlx.inference.images import load_pixels, stored_form
from tlx.objectives.chosen import objective_of_card
from tlx.runs.finished import finished_run
from tlx.runs.run import WEIGHTS_FILE

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.data.images.stored.stored_form import StoredForm
    from tlx.objectives.objective import Objective


@dataclass(frozen=True)
class Predictor:
    """A model with the names of its classes, or of the number it predicts.

    Args:
        backbone: Model B, in `eval()`.
        class_names: One per output; equal names are told apart by their index.
        device: Where it computes.
        form: How its training images were stored.
        fingerprint: SHA-256 of its weights, its input pipeline and its classes.
        objective: What its outputs mean.
    """

    backbone: Backbone
    class_names: tuple[str, ...]
    device: str
    form: StoredForm | None
    fingerprint: str
    objective: Objective[Any]

    def read(self, path: Path) -> Tensor:
        """Return network input (3, h, w) for an image file, as the training images became it.

        Raises:
            ImageFileError: Where the file gives no image.
        """
        preprocess = self.backbone.preprocess
        return preprocess(load_pixels(path, self.form, preprocess.resize_size)[None])[0]

    @torch.inference_mode()
    def predictions(self, prepared: Tensor) -> Tensor:
        """Return class probabilities (n, classes), on the CPU, of network input (n, 3, h, w).

        Of a model of numbers, these: float64, shape (n,), in the target's own units.

        Raises:
            TlxError: Where the device has too little memory for the batch.
        """
        try:
            logits = self.backbone(prepared.to(self.device))
        except torch.OutOfMemoryError as error:
            raise TlxError(
                f"{len(prepared)} images at a time are too many for the memory of {self.device}. "
                "Use a smaller --batch-size."
            ) from error
        return self.objective.predictions(logits.float()).cpu()


def load_predictor(folder: Path, device: str = "cpu") -> Predictor:
    """Return the model of a completed run, of any strategy, from its file alone.

    Args:
        folder: The run's folder.
        device: Where to compute.

    Raises:
        TlxError: Where the folder is no completed run's.
        WeightsError: Where the model's file is damaged.
    """
    finished_run(folder)
    return _loaded(folder / WEIGHTS_FILE, str(folder), device)


def predictor_of_file(file: Path, device: str = "cpu") -> Predictor:
    """Return the model of a file that a run wrote, wherever the file lies now.

    Args:
        file: In safetensors, with its card.
        device: Where to compute.

    Raises:
        TlxError: Where it has no card.
        WeightsError: Where it is damaged.
    """
    return _loaded(file, str(file), device)


def _loaded(file: Path, weights: str, device: str) -> Predictor:
    card = read_card(file)
    if card is None:
        raise TlxError(f"{file} has no card: it was not written by tlx.")
    backbone = build_backbone(card.backbone, num_classes=None, weights=weights, keep_head=True)
    backbone.to(device).eval()
    names = distinct(card.class_names)
    form = stored_form(card.data)
    fingerprint = _fingerprint(backbone, names, form)
    return Predictor(backbone, names, device, form, fingerprint, objective_of_card(card))


def _fingerprint(backbone: Backbone, names: tuple[str, ...], form: StoredForm | None) -> str:
    pipeline = sorted(backbone.preprocess.to_dict().items())
    state = state_fingerprint(backbone.network.state_dict())
    text = repr((backbone.name, state, pipeline, names, form))
    return hashlib.sha256(text.encode()).hexdigest()


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of which equal ones carry their index, as ImageNet's two cranes need it."""
    counts = Counter(names)
    return tuple(f"{n} ({i})" if counts[n] > 1 else n for i, n in enumerate(names))
