"""A fitted model inside an estimator: the bytes of its file, which are all that is pickled."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from tlx.inference.in_memory import StoreUse
    from tlx.inference.predictor import Predictor
    from tlx.sklearn.inputs import Inputs

FILES_AT_A_TIME = 1024
Reading = Callable[["nn.Module", "Tensor"], "Tensor"]


class FittedModel:
    """A model of a finished run, read when it is first used.

    Rows are computed on the CPU in double precision, where no row's prediction depends on the
    others; a network for rows is small.

    Args:
        weights: The run's `model.safetensors`.
        preparation: How rows become features, as plain values; None of images.
        device: `auto`, `cpu`, `cuda` or `mps`.
        store: Where the fit kept activations. What is pickled forgets it: a model that has left its
            process reads no store and fills none.
    """

    def __init__(
        self,
        weights: bytes,
        preparation: dict[str, Any] | None,
        device: str,
        store: StoreUse | None,
    ) -> None:
        self.weights = weights
        self.preparation = preparation
        self.device = device
        self.store = store
        self._predictor: Predictor | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: no network, and no place of this machine."""
        return self.__dict__ | {"store": None, "_predictor": None}

    @property
    def predictor(self) -> Predictor:
        """The model, read from its bytes once.

        Raises:
            TlxError: Where this machine lacks the device.
        """
        if self._predictor is None:
            self._predictor = self._read()
        return self._predictor

    def _read(self) -> Predictor:
        from tlx.inference.predictor import predictor_of_file
        from tlx.inference.run import chosen_device

        device = "cpu" if self.preparation is not None else chosen_device(self.device)
        with tempfile.TemporaryDirectory(prefix="tlx-model-") as scratch:
            file = Path(scratch) / "model.safetensors"
            file.write_bytes(self.weights)
            found = predictor_of_file(file, device)
        if self.preparation is not None:
            found.backbone.double()
        return found

    @property
    def width(self) -> int:
        """How many features reach the head."""
        head = self.predictor.backbone.head
        for name in ("in_features", "in_channels"):
            if isinstance(getattr(head, name, None), int):
                return int(getattr(head, name))
        raise NotImplementedError(f"{type(head).__name__} does not say what it takes")

    def predictions(self, inputs: Inputs, columns: tuple[str, ...]) -> NDArray[np.float64]:
        """Return class probabilities (n, classes), or numbers (n,), float64.

        Args:
            inputs: What to predict for.
            columns: Names of the columns of rows.
        """
        from tlx.inference.in_memory import outputs

        predictor = self.predictor
        given = self._joined(inputs, columns, lambda m, x: outputs(m, x, predictor.device))
        return predictor.objective.predictions(given.double()).double().numpy()

    def features(self, inputs: Inputs, columns: tuple[str, ...]) -> NDArray[Any]:
        """Return what reaches the head, shape (n, d): float32 of images, float64 of rows.

        Args:
            inputs: Of what.
            columns: Names of the columns of rows.
        """
        from tlx.inference.in_memory import features

        head, device = self.predictor.backbone.head, self.predictor.device
        return self._joined(inputs, columns, lambda m, x: features(head, m, x, device)).numpy()

    def _joined(self, inputs: Inputs, columns: tuple[str, ...], read: Reading) -> Tensor:
        import torch

        if inputs.kind == "rows":
            return read(self.predictor.backbone, self._features_of(inputs, columns))
        return torch.cat([self._of_images(images, read) for images in self._images(inputs)])

    def _of_images(self, images: Tensor, read: Reading) -> Tensor:
        from tlx.inference.in_memory import reading

        predictor = self.predictor
        with reading(predictor.backbone, images, predictor.device, self.store) as (model, rows):
            return read(model, rows)

    def _images(self, inputs: Inputs) -> Iterator[Tensor]:
        import torch

        if not isinstance(inputs.values, tuple):
            yield torch.from_numpy(np.ascontiguousarray(inputs.values))
            return
        from tlx.data.images.stored.stored_form import USUAL_FORM
        from tlx.data.in_memory.image_files import decoded

        for first in range(0, len(inputs), FILES_AT_A_TIME):
            some = inputs.values[first : first + FILES_AT_A_TIME]
            yield decoded(some, self.predictor.form or USUAL_FORM)

    def _features_of(self, inputs: Inputs, columns: tuple[str, ...]) -> Tensor:
        import torch

        from tlx.data.in_memory.rows import features_of
        from tlx.data.tables.features.preparation import Preparation

        assert self.preparation is not None, "rows have a preparation"
        assert not isinstance(inputs.values, tuple), "rows are an array"
        learned = Preparation.from_dict(self.preparation)
        return torch.from_numpy(features_of(inputs.values, columns, learned)).double()
