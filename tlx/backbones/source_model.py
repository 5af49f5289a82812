"""Model A as the user names it: a builder, its weights, its input pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from tlx.backbones.input_kind import InputKind
from tlx.backbones.weights.shipped_models import WeightsPath
from tlx.errors import Fault

if TYPE_CHECKING:
    from tlx.backbones.backbone import Backbone
    from tlx.backbones.preprocess import Preprocess


@dataclass(frozen=True)
class SourceModel:
    """Model A before it is built; nothing is read until `faults` or `build` is called.

    Args:
        name: A torchvision classification builder.
        weights: None (scratch), a torchvision weights name, a path (safetensors, state dict,
            checkpoint or run folder) or a shipped model's name.
        transforms: Whose input pipeline to use, named like weights; None takes the weights' own.
        image_size: Pixels of the square input; None takes the pipeline's own.
        weights_key: Which network of the weights file to take (`model_ema`), where several fit;
            None takes the only one.
    """

    takes: ClassVar[InputKind] = "images"

    name: str
    weights: WeightsPath | None = "DEFAULT"
    transforms: WeightsPath | None = None
    image_size: Annotated[int, Field(ge=1)] | None = None
    weights_key: str | None = None

    def faults(self, *, from_weights: bool = True) -> list[Fault]:
        """Return what is wrong, before any work; may download torchvision's weights.

        Args:
            from_weights: Whether the weights will be used, not only their input pipeline.
        """
        from tlx.backbones.weights.sources import WeightsError, builder_fault
        from tlx.backbones.weights.validated import faults_unless_known
        from tlx.backbones.weights.weights import weights_faults

        unknown = builder_fault(self.name)
        if unknown is not None:
            return [unknown]
        try:
            transforms = self._transforms(from_weights)
        except WeightsError as error:
            return [error.fault]
        weights, size = self.weights if from_weights else None, self.image_size
        # Unused weights need no key; weights=null beside a key is a contradiction.
        key = self.weights_key if from_weights or self.weights is None else None
        return faults_unless_known(
            self.name,
            weights,
            (transforms, size, key),
            lambda: weights_faults(
                self.name, weights, transforms=transforms, image_size=size, weights_key=key
            ),
        )

    def input_pipeline(self, *, from_weights: bool = True) -> Preprocess | None:
        """Return how images become the network's input, without building it.

        Args:
            from_weights: See `build`.

        Raises:
            WeightsError: Where `faults` names a fault.
        """
        from tlx.backbones.weights.weights import input_pipeline_of

        return input_pipeline_of(
            self.name,
            self.weights if from_weights else None,
            transforms=self._transforms(from_weights),
            image_size=self.image_size,
            weights_key=self.weights_key if from_weights else None,
        )

    def stage_names(self) -> tuple[str, ...]:
        """Return the names of model A's stages, in order, without building it."""
        return _stage_names(self.name)

    def build(
        self,
        num_classes: int,
        *,
        from_weights: bool = True,
        input_shape: Sequence[int] | None = None,  # noqa: ARG002 - images are resized
    ) -> Backbone:
        """Return model A with a new head.

        Args:
            num_classes: Classes of the target task.
            from_weights: False gives A's structure and input pipeline with fresh weights.
            input_shape: Shape of one stored image, which makes no difference.
        """
        from tlx.backbones.backbone import build_backbone

        return build_backbone(
            self.name,
            num_classes=num_classes,
            weights=self.weights if from_weights else None,
            transforms=self._transforms(from_weights),
            image_size=self.image_size,
            weights_key=self.weights_key if from_weights else None,
        )

    def _transforms(self, from_weights: bool) -> str | None:
        """Return whose input pipeline to name: A's own also where its weights are not used."""
        from tlx.backbones.weights.weights import says_preprocess

        if from_weights or self.transforms is not None:
            return self.transforms
        return self.weights if says_preprocess(self.name, self.weights) else None


@cache
def _stage_names(name: str) -> tuple[str, ...]:
    from tlx.backbones.construct import construct
    from tlx.backbones.stages import stages_of_builder

    network = construct(name, 1000, meta=True)
    return tuple(stage.name for stage in stages_of_builder(name, network))
