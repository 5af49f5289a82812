"""What the probes share: model A frozen, and a head that is solved for instead of trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from tlx.errors import Fault
from tlx.probes.solution import LinearSolution
from tlx.strategies.policy import Policy
from tlx.strategies.solver import CLASSES_ALONE, CandidateHead, Solver

if TYPE_CHECKING:
    pass


class Probe(Policy):
    """Freeze every stage of model A and solve for heads on its features, a path of them.

    Args:
        backbone: Model A with a head for the target task.
    """

    solves: ClassVar[bool] = True
    name: ClassVar[str]
    strength_name: ClassVar[str] = "penalty"
    needs_intercept: ClassVar[bool] = True

    @classmethod
    def faults(
        cls,
        stage_names: Sequence[str],  # noqa: ARG003
        *,
        backbone_name: str | None = None,
        **options: Any,
    ) -> list[Fault]:
        """Return a fault where the backbone's head is no linear map, and those of the options."""
        from tlx.backbones.head_features import why_not_linear

        faults = cls.option_faults(**options)
        if backbone_name is None:
            return faults
        reason = why_not_linear(backbone_name, with_intercept=cls.needs_intercept)
        if reason is None:
            return faults
        remedy = "Use strategy=feature_extraction, or another backbone."
        return [Fault("strategy", cls.name, reason, remedy), *faults]

    @classmethod
    def option_faults(cls, **options: Any) -> list[Fault]:  # noqa: ARG003
        """Return what is wrong with the probe's options."""
        return []

    @classmethod
    def number_faults(cls, name: str, **options: Any) -> list[Fault]:  # noqa: ARG003
        """Return a fault: heads are solved for that tell classes apart."""
        return [Fault("strategy", name, CLASSES_ALONE, "Use strategy=feature_extraction.")]

    @property
    def solver(self) -> Solver:
        """The probe itself."""
        return self

    def trained_stages(self, epoch: int) -> frozenset[str]:  # noqa: ARG002
        """Return no stage."""
        return frozenset()

    def candidates(self, features: Tensor, labels: Tensor) -> Iterator[CandidateHead]:
        """Yield the path's heads, solved on training features.

        Args:
            features: Shape (n, d).
            labels: Class indices, shape (n,).
        """
        raise NotImplementedError

    def learns_from_itself(self) -> bool:
        """Return whether a candidate's loss on its own training images means something."""
        return True

    def install(self, head: nn.Module, tails: Iterable[nn.Module] = ()) -> None:
        """Put a candidate into the backbone: its weights into the head, or itself in its place.

        Args:
            head: The candidate.
            tails: Parts of the backbone, which hold its head too.
        """
        old = self.backbone.head
        if isinstance(old, nn.Linear) and isinstance(head, nn.Linear):
            old.load_state_dict(head.state_dict())
            return
        head.to(next(self.backbone.parameters()).device).train(old.training)
        for root in (self.backbone.network, *tails):
            _replace(root, old, head)

    def describe(self) -> str:
        """Return one line for the console: what is solved for and what is frozen."""
        frozen = f"{len(self.backbone.stages)} stages frozen"
        return f"solves for the head, {self.path_in_words()}; {frozen}"

    def path_in_words(self) -> str:
        """Return what the path's points are."""
        raise NotImplementedError


def _replace(root: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put a module in the place of another, wherever it occurs."""
    for holder in list(root.modules()):
        for name, child in list(holder.named_children()):
            if child is old:
                setattr(holder, name, new)


def linear_head(solution: LinearSolution) -> nn.Linear:
    """Return a solution as a layer in single precision."""
    classes, width = solution.weight.shape
    layer = nn.Linear(width, classes)
    with torch.no_grad():
        layer.weight.copy_(solution.weight)
        layer.bias.copy_(solution.bias)
    return layer


def exponent_faults(lowest: int, highest: int) -> list[Fault]:
    """Return a fault where a range of exponents is empty."""
    if lowest <= highest:
        return []
    remedy = f"Choose {lowest} or more, or a smaller strategy.lowest_exponent."
    reason = f"it is below strategy.lowest_exponent={lowest}"
    return [Fault("strategy.highest_exponent", highest, reason, remedy)]
