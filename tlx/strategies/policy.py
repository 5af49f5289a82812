"""What a strategy is: which of a network's parameters train in which epoch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from tlx.errors import Fault
from tlx.strategies.freezing import frozen_modules, shortened, stage_parameters

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.data.task import Task
    from tlx.strategies.solver import Solver


class Policy:
    """Which parameters of a backbone train in which epoch; what is added to it, and merged.

    A strategy says which stages train (`trained_stages`), or which parameters
    (`trained_parameters`). The frozen set follows from the epoch alone, so that a resumed fit
    freezes exactly what an unbroken one does. The head always trains.

    Its keyword-only parameters are the strategy's options.

    Args:
        backbone: Model A with a head for the target task.
    """

    solves: ClassVar[bool] = False
    """Whether the head is solved for (`solver`), and nothing is trained by steps."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone

    @classmethod
    def faults(cls, stage_names: Sequence[str], **options: Any) -> list[Fault]:  # noqa: ARG003
        """Return what is wrong with a strategy's options for a backbone with these stages."""
        return []

    @classmethod
    def number_faults(cls, name: str, **options: Any) -> list[Fault]:  # noqa: ARG003
        """Return why the strategy cannot learn a number, where it tells classes apart alone."""
        return []

    @classmethod
    def starts_from_weights(cls, **options: Any) -> bool:  # noqa: ARG003
        """Return whether model B starts from model A's weights."""
        return True

    @property
    def solver(self) -> Solver | None:
        """What solves for the head in the place of a fit; None where the head is trained."""
        return None

    @property
    def uses_auxiliary(self) -> bool:
        """Whether auxiliary heads (GoogLeNet, Inception) train along, where images allow it."""
        return self.trained_stages(0) == frozenset(self.backbone.stage_names)

    def trained_stages(self, epoch: int) -> frozenset[str]:
        """Return the names of the stages that train in an epoch (counted from 0)."""
        raise NotImplementedError

    def ever_trained_stages(self) -> frozenset[str]:
        """Return the names of the stages that train in any epoch."""
        return self.trained_stages(0)

    def trained_parameters(self, epoch: int | None = None) -> frozenset[str]:
        """Return the names of the parameters that train in an epoch, the head's among them.

        A strategy that trains a part of a stage's parameters overrides this.

        Args:
            epoch: The epoch (counted from 0) to ask about; None asks about all of them.
        """
        return stage_parameters(self.backbone, self._stages_of(epoch))

    def added_parameters(self) -> frozenset[str]:
        """Return the names of parameters that the strategy added to the network's layers."""
        return frozenset()

    def trained_source_weights(self) -> frozenset[str]:
        """Return the names of model A's own parameters, in front of the head, that ever train."""
        staged = frozenset(n for stage in self.backbone.stages for n in stage.parameter_names)
        return (self.trained_parameters() & staged) - self.added_parameters()

    def modules_in_eval(self, epoch: int | None = None) -> list[nn.Module]:
        """Return the modules that stay in `eval()` in an epoch, or, for None, in every epoch."""
        return frozen_modules(self.backbone, self._stages_of(epoch))

    def modules_that_follow(self) -> list[nn.Module]:
        """Return modules of frozen stages that follow the training mode nevertheless."""
        return []

    def frozen_prefix(self, epoch: int | None = None) -> str | None:
        """Return the last stage of the frozen prefix; its output can be cached.

        A strategy whose training needs the inputs themselves overrides this with None.

        Args:
            epoch: The epoch (counted from 0) to ask about; None asks about all of them.

        Returns:
            The stage's name, or None where the first stage trains.
        """
        trained, woken = self.trained_parameters(epoch), self._stages_of(epoch)
        leading = [
            stage.name
            for stage in takewhile(
                lambda s: s.name not in woken and trained.isdisjoint(s.parameter_names),
                self.backbone.stages,
            )
        ]
        return leading[-1] if leading else None

    def solving_prefix(self) -> str | None:
        """Return the stage on whose output a head is solved for before the first epoch, if any."""
        return None

    def before_first_step(self, task: Task, device: torch.device, tail: nn.Module | None) -> None:
        """Do what a strategy does before its fit begins, such as solving for a first head.

        It is called where `solving_prefix` names a stage, and not when a fit is resumed.

        Args:
            task: The fit's task; with a tail, its training and validation inputs are activations
                after the stage that `solving_prefix` names.
            device: Where to compute.
            tail: Takes such activations; None where the task has its own inputs.
        """

    def plain_state(self) -> dict[str, Tensor]:
        """Return model B's state as a plain network has it, to be saved while it trains.

        A strategy that adds parts of its own to the network's layers overrides this.
        """
        return self.backbone.network.state_dict()

    def finish(self) -> None:
        """Leave a plain network behind; called once, when the fit has ended.

        A strategy that adds parts of its own to the network's layers overrides this.
        """

    def describe(self) -> str:
        """Return one line for the console: what trains and what is frozen."""
        trained = self.ever_trained_stages()
        names = [name for name in self.backbone.stage_names if name in trained]
        what = ", ".join([*shortened(names), "head"])
        return f"trains {what}; {len(self.backbone.stages) - len(names)} stages frozen"

    def parameter_counts(self) -> dict[str, int]:
        """Return how many weights train in any epoch, and how many there are."""
        total = sum(p.numel() for p in self.backbone.network.parameters())
        trained = sum(p.numel() for _, p in self.named_trained_parameters())
        return {"trained": trained, "total": total}

    def named_trained_parameters(self) -> list[tuple[str, nn.Parameter]]:
        """Return the parameters that train in any epoch, by name, in the network's order."""
        trained = self.trained_parameters()
        return [item for item in self.backbone.network.named_parameters() if item[0] in trained]

    def _stages_of(self, epoch: int | None) -> frozenset[str]:
        return self.ever_trained_stages() if epoch is None else self.trained_stages(epoch)
