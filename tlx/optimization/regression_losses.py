"""Losses over one predicted number."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

Delta = Annotated[float, Field(gt=0)]


class RegressionLoss(nn.Module):
    """A mean loss between one output and one target; both in the scale that is trained on."""

    takes_numbers: ClassVar[bool] = True

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of outputs (n, 1) for targets (n,).

        Raises:
            ValueError: Where the shapes are others, which would be broadcast silently.
        """
        if outputs.shape != (*targets.shape, 1):
            raise ValueError(
                f"outputs of shape {tuple(outputs.shape)} do not fit targets of shape "
                f"{tuple(targets.shape)}: expected (n, 1) and (n,)"
            )
        return self.between(outputs[:, 0], targets)

    def between(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of predictions (n,) for targets (n,)."""
        raise NotImplementedError


class Mse(RegressionLoss):
    """Mean squared error: the mean is what it learns; large errors weigh most."""

    def __init__(self) -> None:
        super().__init__()

    def between(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """Return the mean of the squared differences."""
        return functional.mse_loss(predicted, targets)


class Mae(RegressionLoss):
    """Mean absolute error: the median is what it learns; outlying targets weigh little."""

    def __init__(self) -> None:
        super().__init__()

    def between(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """Return the mean of the absolute differences."""
        return functional.l1_loss(predicted, targets)


class Huber(RegressionLoss):
    """Squared for small errors, linear beyond (Huber 1964).

    Args:
        delta: Where it turns linear, in the scale that is trained on.
    """

    def __init__(self, *, delta: Delta = 1.0) -> None:
        super().__init__()
        self.delta = delta

    def between(self, predicted: Tensor, targets: Tensor) -> Tensor:
        """Return the mean of `d^2 / 2` where `|d| <= delta`, else `delta (|d| - delta / 2)`."""
        return functional.huber_loss(predicted, targets, delta=self.delta)
