"""A multilayer perceptron as the user describes it: its layers and its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tlx.backbones.input_kind import InputKind
from tlx.backbones.mlp.mlp_name import MlpStructure
from tlx.backbones.weights.shipped_models import WeightsPath
from tlx.errors import ConfigError, Fault

if TYPE_CHECKING:
    from tlx.backbones.backbone import Backbone
    from tlx.backbones.preprocess import Preprocess

Activation = Literal["elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "tanh"]


@dataclass(frozen=True)
class MlpModel:
    """Model A for features before it is built; its input width comes from the data.

    Args:
        hidden: Width of each hidden layer; they are the stages `hidden1`, `hidden2`, ...
        activation: What follows each hidden layer.
        dropout: Share of the activations that training sets to zero.
        weights: None (scratch), or a path (safetensors, state dict, checkpoint or run folder).
        weights_key: Which network of the weights file to take, where several fit; None takes the
            only one.
    """

    takes: ClassVar[InputKind] = "rows"

    hidden: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (50, 50)
    activation: Activation = "relu"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weights: WeightsPath | None = None
    weights_key: str | None = None

    @property
    def name(self) -> str:
        """The builder name that spells this structure."""
        return MlpStructure(tuple(self.hidden), self.activation, self.dropout).name

    def faults(self, *, from_weights: bool = True) -> list[Fault]:
        """Return what is wrong with the weights, before any work."""
        from tlx.backbones.weights.weights import weights_faults

        weights = self.weights if from_weights else None
        key = self.weights_key if from_weights or self.weights is None else None
        return weights_faults(self.name, weights, weights_key=key)

    def input_pipeline(
        self,
        *,
        from_weights: bool = True,  # noqa: ARG002 - as images have one
    ) -> Preprocess | None:
        """Return None: no image becomes its input."""
        return None

    def stage_names(self) -> tuple[str, ...]:
        """Return the names of the stages, in order."""
        return tuple(f"hidden{number}" for number in range(1, len(self.hidden) + 1))

    def build(
        self,
        num_classes: int,
        *,
        from_weights: bool = True,
        input_shape: Sequence[int] | None = None,
    ) -> Backbone:
        """Return model A with a new head.

        Args:
            num_classes: Classes of the target task.
            from_weights: False gives the structure with fresh weights.
            input_shape: Shape of one example, (features,); needed without weights.

        Raises:
            ConfigError: Where the weights take another number of features, or the examples are
                images.
        """
        from tlx.backbones.backbone import build_backbone

        width = None if input_shape is None else feature_count(input_shape)
        if width is None and not (from_weights and self.weights):
            raise ValueError("An MLP from scratch needs the shape of its input.")
        return build_backbone(
            self.name,
            num_classes=num_classes,
            weights=self.weights if from_weights else None,
            image_size=width,
            weights_key=self.weights_key if from_weights else None,
        )


def feature_count(input_shape: Sequence[int]) -> int:
    """Return the number of features of examples of a shape.

    Raises:
        ConfigError: Where they are images.
    """
    if len(input_shape) == 1:
        return int(input_shape[0])
    reason = f"it takes features, and the data gives images {tuple(input_shape)}"
    raise ConfigError([Fault("backbone", "mlp", reason, "Use a torchvision builder.")])
