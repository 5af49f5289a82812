"""What every regulariser of fine-tuning is: options that become a term of the training loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol

from pydantic import Field
from torch import Tensor, nn

from tlx.errors import Fault

if TYPE_CHECKING:
    import torch

    from tlx.backbones import Backbone
    from tlx.data.task import Split

Weight = Annotated[float, Field(ge=0)]
Temperature = Annotated[float, Field(gt=0)]


class Regularized(Protocol):
    """What a regulariser needs of a strategy over model A."""

    backbone: Backbone

    @property
    def start(self) -> nn.Module:
        """What takes the batches: the backbone, or the tail that takes cached inputs."""

    @property
    def seed(self) -> int:
        """What is drawn at random follows from it."""

    def network_inputs(self, images: Tensor) -> Tensor:
        """Return what the network takes of a batch of the training split's images."""

    def trained_source_weights(self) -> frozenset[str]:
        """Return the names of model A's own parameters, in front of the head, that ever train."""


@dataclass(frozen=True)
class Situation:
    """What of a plan decides whether a regulariser makes sense.

    Args:
        strategy: The strategy's name.
        solves: Whether the strategy solves for its head instead of training it.
        from_weights: Whether model B starts from weights of model A.
        trains_features: Whether anything in front of the head trains in any epoch.
        predicts_number: Whether the target task is a regression.
        trained_weights: Names of model A's own parameters in front of the head that ever train.
        why_no_source_head: Why model A's own last layer cannot be used; None where it can.
    """

    strategy: str
    solves: bool = False
    from_weights: bool = True
    trains_features: bool = True
    predicts_number: bool = False
    trained_weights: frozenset[str] = frozenset()
    why_no_source_head: str | None = None


@dataclass(frozen=True)
class Step:
    """What a term of the loss sees of a training step.

    Args:
        inputs: What the network takes: images as its input pipeline made them (n, channels, h,
            w), rows of features (n, d), or activations behind the cut (n, ...).
        labels: Class indices (n,), or class probabilities (n, classes) of mixed images.
        features: What reached the head, with its gradient; (n, d), or (n, d, h, w) before a
            convolution.
    """

    inputs: Tensor
    labels: Tensor
    features: Tensor


class Penalty(nn.Module):
    """A term of the training loss, made for one fit.

    Its own parameters, where it has any, train with the network and travel in checkpoints, but
    are no part of model B. What follows from model A's weights is held outside the state dict: a
    resumed fit makes it again from model A.

    Attributes:
        undecayed: Names of the network's parameters that the term holds instead of weight decay.
    """

    undecayed: frozenset[str] = frozenset()

    def forward(self, step: Step) -> Tensor:
        """Return the term () for a step."""
        raise NotImplementedError


class Regularizer:
    """Options of a way to hold model B near model A, which go with any strategy that trains."""

    name: ClassVar[str]

    @property
    def needs_source_head(self) -> bool:
        """Whether model A's own last layer is needed, which its new head replaces."""
        return False

    def faults(self, situation: Situation) -> list[Fault]:
        """Return why this does not go with a plan."""
        return common_faults(self.name, situation, needs_source_head=self.needs_source_head)

    def bind(self, module: Regularized, train: Split, device: torch.device) -> Penalty:
        """Return the term of the loss for a fit, while the weights are still model A's.

        Args:
            module: The strategy over model A, which already starts at its cut if it has one.
            train: The fit's training images, or their activations at the cut.
            device: Where the fit will compute.
        """
        raise NotImplementedError


def common_faults(
    name: str, situation: Situation, *, needs_source_head: bool = False
) -> list[Fault]:
    """Return the first reason for which a regulariser cannot hold anything.

    Args:
        name: The regulariser's name.
        situation: What it would have to do with.
        needs_source_head: Whether it needs model A's own last layer.
    """
    leave_out = "Use regularizer=none"
    why, remedy = None, f"{leave_out}."
    if situation.solves:
        why = f"strategy={situation.strategy} solves for its head, there is no training to hold"
        remedy = f"{leave_out}, or a strategy that trains."
    elif not situation.from_weights:
        why = "model B starts from scratch, there is no model A to stay near"
        remedy = f"{leave_out}, or start from weights (backbone.weights, strategy.init=pretrained)."
    elif not situation.trains_features:
        why = f"strategy={situation.strategy} trains nothing but the head, which has no model A"
        remedy = f"{leave_out}, or a strategy that trains more."
    elif needs_source_head and situation.why_no_source_head is not None:
        why = situation.why_no_source_head
        remedy = "Use regularizer=l2_sp, or relation_distillation."
    return [] if why is None else [Fault("regularizer", name, why, remedy)]
