"""Where the frozen prefix of a fit ends, epoch by epoch: the cuts of a schedule's phases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tlx.augmentation.augmentation import Augmentation
    from tlx.backbones import Backbone


class PartlyFrozen(Protocol):
    """What the store asks of a network in training: what of it stays frozen, and when."""

    backbone: Backbone

    @property
    def augmentation(self) -> Augmentation:
        """What happens to training images before the network."""

    @property
    def keeps_one_prefix(self) -> bool:
        """Whether the fit has one frozen prefix, which no later epoch may exchange."""

    @property
    def further_streams(self) -> tuple[str, ...]:
        """Names of the splits whose batches a step takes beside those of the training split."""

    def frozen_prefix(self, epoch: int | None = None) -> str | None:
        """Return the last stage of the frozen prefix in an epoch; None asks about all epochs."""

    def solving_prefix(self) -> str | None:
        """Return the stage whose output a head is solved for on before the first epoch."""


@dataclass(frozen=True)
class Phase:
    """Neighbouring epochs with the same frozen prefix.

    Args:
        first_epoch: The first of them, counted from 0.
        end_epoch: The epoch behind the last.
        cut: The last stage of the prefix; None where the first stage trains.
    """

    first_epoch: int
    end_epoch: int
    cut: str | None

    def __len__(self) -> int:
        """Return the number of epochs."""
        return self.end_epoch - self.first_epoch


@dataclass(frozen=True)
class Cuts:
    """Every cut behind which a run computes.

    Args:
        phases: Those of the fit, at least one.
        solving: Where a head is solved for before the first epoch, on frozen features; or None.
    """

    phases: tuple[Phase, ...]
    solving: str | None = None

    @property
    def last(self) -> str | None:
        """Return the cut that holds in every epoch and for the scores; None where none does."""
        return self.phases[-1].cut

    @property
    def of_fit(self) -> list[str]:
        """Return each cut of the fit once, the first to be used first."""
        return list(dict.fromkeys(p.cut for p in self.phases if p.cut is not None))

    @property
    def names(self) -> list[str]:
        """Return each cut once, the first to be used first."""
        solving = [] if self.solving is None else [self.solving]
        return list(dict.fromkeys([*solving, *self.of_fit]))


def cuts_of(module: PartlyFrozen, epochs: int | None = None) -> Cuts:
    """Return the cuts of a run.

    Args:
        module: The strategy over model A.
        epochs: Length of the fit; None asks for the cut that holds in all epochs alone.
    """
    if epochs is None:
        return Cuts((Phase(0, 0, module.frozen_prefix()),))
    return Cuts(tuple(phases_of(module, epochs)), module.solving_prefix())


def phases_of(module: PartlyFrozen, epochs: int) -> list[Phase]:
    """Return the phases of a fit, in order, each with the deepest cut whose store pays.

    A prefix holds as long as none of its stages has trained in any epoch so far. One epoch on
    activations saves no more than computing them costs, so a phase of one epoch takes the cut of
    the phase behind it, which holds in it as well. The last phase's cut is never given up: the
    scores are computed behind it too.

    Args:
        module: The strategy over model A.
        epochs: Length of the fit.

    Returns:
        At least one phase; neighbours differ in their cuts.
    """
    if module.keeps_one_prefix:
        return [Phase(0, epochs, module.frozen_prefix())]
    phases = _joined([Phase(e, e + 1, cut) for e, cut in enumerate(_cuts(module, epochs))])
    worthwhile = phases[-1:]
    for phase in reversed(phases[:-1]):
        cut = phase.cut if len(phase) > 1 else worthwhile[0].cut
        worthwhile.insert(0, replace(phase, cut=cut))
    return _joined(worthwhile)


def _cuts(module: PartlyFrozen, epochs: int) -> list[str | None]:
    names: list[str | None] = [None, *module.backbone.stage_names]
    depths: list[int] = []
    for epoch in range(epochs):
        depth = names.index(module.frozen_prefix(epoch))
        depths.append(min([depth, *depths[-1:]]))
    return [names[depth] for depth in depths]


def _joined(phases: list[Phase]) -> list[Phase]:
    joined = phases[:1]
    for phase in phases[1:]:
        if phase.cut == joined[-1].cut:
            joined[-1] = replace(joined[-1], end_epoch=phase.end_epoch)
        else:
            joined.append(phase)
    return joined
