"""What stands for a task's inputs once the frozen prefix has been computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from tlx.data.task import Task


class StoredTail(nn.Module):
    """A tail that takes activations as the store gives them.

    Args:
        tail: The stages behind the cut and the head.
        dtype: The type in which the activations were computed.
        channels_last: Whether the network would lay them out channels last.
    """

    def __init__(self, tail: nn.Module, dtype: torch.dtype, channels_last: bool) -> None:
        super().__init__()
        self.tail = tail
        self.dtype = dtype
        self.channels_last = channels_last

    def forward(self, activations: Tensor) -> Tensor:
        """Return logits (n, classes) of stored activations (n, ...)."""
        values = activations.to(self.dtype)
        if self.channels_last:
            values = values.contiguous(memory_format=torch.channels_last)
        return cast(Tensor, self.tail(values))


@dataclass(frozen=True)
class CachedInputs:
    """Activations of a task at a cut, in the place of its inputs, and what takes them.

    Args:
        task: The task with activations in the place of images; its test split stays unread.
        tail: Makes logits of the activations of `task`, in training and validation.
        scored: The activations of `val` and `test` in full precision.
        scoring_tail: Makes logits of those.
    """

    task: Task
    tail: StoredTail
    scored: Mapping[str, Tensor]
    scoring_tail: StoredTail


@dataclass(frozen=True)
class PhaseInputs:
    """What a fit takes from an epoch on.

    Args:
        first_epoch: The epoch, counted from 0.
        cached: Activations and their tail; None takes the images themselves.
    """

    first_epoch: int
    cached: CachedInputs | None
