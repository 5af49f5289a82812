"""Terms: losses beside the task's own, what they are made from and what they see of a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from torch import Tensor, nn

from tlx.data.task import TARGET

if TYPE_CHECKING:
    import torch

    from tlx.backbones import Backbone
    from tlx.data.task import Task
    from tlx.errors import Fault

TARGET_STREAM: Final = TARGET
"""The stream of batches that the task's own loss is computed on: those of the training split."""


@dataclass(frozen=True)
class Stream:
    """What a term sees of one stream of batches in a training step.

    Args:
        inputs: What the network takes: images as its input pipeline made them (n, channels, h,
            w), rows of features (n, d), or activations behind the cut (n, ...).
        labels: Class indices (n,), class probabilities (n, classes) of mixed images, or numbers
            (n,); None where the split has no labels.
        features: What reached the head, with its gradient; (n, d), or (n, d, h, w) before a
            convolution.
        logits: What the head makes of it, shape (n, outputs).
    """

    inputs: Tensor
    labels: Tensor | None
    features: Tensor
    logits: Tensor


class Term(nn.Module):
    """A term of the training loss, made for one fit.

    Its own parameters, where it has any, train with the network and travel in checkpoints, but
    are no part of model B. What follows from model A's weights is held outside the state dict: a
    resumed fit makes it again from model A.

    Attributes:
        undecayed: Names of the network's parameters that the term holds instead of weight decay.
    """

    undecayed: frozenset[str] = frozenset()

    def forward(self, streams: Mapping[str, Stream]) -> Tensor:
        """Return the term () for a step.

        Args:
            streams: The target's batch, and those of the splits that the term asks for, by name.
        """
        raise NotImplementedError


class ModelInTraining(Protocol):
    """What a term may ask of the model when the fit begins."""

    backbone: Backbone

    @property
    def start(self) -> nn.Module:
        """What takes the batches: the backbone, or the tail that takes cached inputs."""

    @property
    def seed(self) -> int:
        """What is drawn at random follows from it."""

    def network_inputs(self, inputs: Tensor) -> Tensor:
        """Return what the network takes of a batch of a split's inputs."""

    def trained_source_weights(self) -> frozenset[str]:
        """Return the names of model A's own parameters, in front of the head, that ever train."""


@dataclass(frozen=True)
class Situation:
    """What of a plan decides whether a term makes sense.

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


class TermOptions(Protocol):
    """Options of a term, before there is a model to bind it to."""

    @property
    def needs_source_head(self) -> bool:
        """Whether model A's own last layer is needed, which its new head replaces."""

    @property
    def streams(self) -> frozenset[str]:
        """Names of the task's splits whose batches the term needs beside the target's."""

    def faults(self, situation: Situation) -> list[Fault]:
        """Return why this does not go with a plan."""

    def bind(self, model: ModelInTraining, task: Task, device: torch.device) -> Term:
        """Return the term for a fit, while the weights are still model A's.

        Args:
            model: The strategy over model A, which already starts at its cut if it has one.
            task: The fit's task; behind a cut, with activations in the place of its inputs.
            device: Where the fit will compute.
        """


def streams_of(terms: Mapping[str, TermOptions]) -> tuple[str, ...]:
    """Return the names of the further splits that terms need batches of, in order of the names."""
    return tuple(sorted({name for term in terms.values() for name in term.streams}))
