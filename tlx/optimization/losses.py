"""Losses over logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, runtime_checkable

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from tlx.errors import ConfigError, Fault

Smoothing = Annotated[float, Field(ge=0, lt=1)]
ClassWeights = (
    Literal["none", "balanced"]
    | Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)]
)


@runtime_checkable
class ClassLoss(Protocol):
    """A loss that depends on the classes of the task."""

    def for_classes(self, labels: Tensor, class_names: Sequence[str]) -> nn.Module:
        """Return the loss for a task, of its training images' class indices (n,) and its names."""


class CrossEntropy(nn.CrossEntropyLoss):
    """Mean cross-entropy with label smoothing (Szegedy et al. 2016, section 7).

    With class weights w it is the weighted mean: sum_i w[y_i] loss_i / sum_i w[y_i], over the
    images of a batch. Of mixed labels an image has the mean weight of its classes, so that labels
    which are not mixed after all give what class indices give.

    Args:
        label_smoothing: Probability mass spread evenly over all classes.
        class_weights: `none`; `balanced`, n / (classes * n_c) with n_c of the n training images in
            class c (King & Zeng 2001, as scikit-learn has it); or one number per class.
    """

    def __init__(
        self, *, label_smoothing: Smoothing = 0.0, class_weights: ClassWeights = "none"
    ) -> None:
        super().__init__(label_smoothing=label_smoothing)
        self.class_weights = class_weights

    def for_classes(self, labels: Tensor, class_names: Sequence[str]) -> CrossEntropy:
        """Return the loss with the weights that a task's classes have.

        Args:
            labels: Class indices of the training images, shape (n,).
            class_names: One per class.

        Raises:
            ConfigError: Where the weights are not one per class, or a class has no image to
                balance.
        """
        if self.class_weights == "none":
            return self
        loss = CrossEntropy(label_smoothing=self.label_smoothing, class_weights=self.class_weights)
        loss.weight = _weights(self.class_weights, labels, class_names)
        return loss

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of logits (n, classes).

        Args:
            logits: Shape (n, classes).
            labels: Class indices (n,), or class probabilities (n, classes).
        """
        if self.weight is None or not labels.is_floating_point():
            loss: Tensor = super().forward(logits, labels)
            return loss
        # Torch divides by the number of images here, and by the sum of their weights elsewhere.
        total = functional.cross_entropy(
            logits, labels, self.weight, reduction="sum", label_smoothing=self.label_smoothing
        )
        return total / (labels * self.weight).sum()


def _weights(asked: str | Sequence[float], labels: Tensor, class_names: Sequence[str]) -> Tensor:
    """Return one weight per class, float32."""
    count = len(class_names)
    if not isinstance(asked, str):
        if len(asked) != count:
            reason = f"it has {len(asked)} numbers, and the data has {count} classes"
            raise _fault(asked, reason, f"Give one each for {', '.join(class_names)}.")
        return torch.tensor(asked, dtype=torch.float32)
    images = torch.bincount(labels.cpu(), minlength=count)
    absent = [name for name, number in zip(class_names, images, strict=True) if not number]
    if absent:
        reason = f"there is no training image of {', '.join(absent)}"
        raise _fault(asked, reason, "Add some, leave the class out, or give the weights as a list.")
    return (len(labels) / (count * images.double())).float()


def _fault(value: object, reason: str, remedy: str) -> ConfigError:
    return ConfigError([Fault("loss.class_weights", value, reason, remedy)])
