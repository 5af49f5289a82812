"""What the adapter methods share: model A frozen, with small parts in its layers that train."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor, nn

from tlx.strategies.freezing import stage_parameters
from tlx.strategies.policy import Policy

if TYPE_CHECKING:
    from tlx.backbones import Backbone


class Adapted(Policy):
    """Freeze model A; train small parts added to its layers, which merge into them, and a head.

    The network's own parameters go by other names while parts are added to its layers. When the
    fit has ended they are merged, and a plain network is left whose names are torchvision's again.

    Args:
        backbone: Model A with a head for the target task.
    """

    def __init__(self, backbone: Backbone) -> None:
        backbone.drop_auxiliary()
        self._plain_stages = backbone.stages
        self.add_parts(backbone)
        restage(backbone)
        super().__init__(backbone)

    def add_parts(self, backbone: Backbone) -> None:
        """Add to the layers what is to train; at first it changes nothing of what they compute."""
        raise NotImplementedError

    def trained_stages(self, epoch: int) -> frozenset[str]:  # noqa: ARG002
        """Return no stage: what is added to their layers trains alone."""
        return frozenset()

    def trained_parameters(self, epoch: int | None = None) -> frozenset[str]:  # noqa: ARG002
        """Return what is added to the layers, and all parameters of the head."""
        return stage_parameters(self.backbone, ()) | self.added_parameters()

    def added_parameters(self) -> frozenset[str]:
        """Return the names of the parameters that are no model A's."""
        raise NotImplementedError

    def plain_state(self) -> dict[str, Tensor]:
        """Return the state that the plain network will have once all is merged."""
        raise NotImplementedError

    def merge_parts(self) -> None:
        """Merge what was added into the layers."""
        raise NotImplementedError

    def finish(self) -> None:
        """Leave the plain network, with all that was added merged into its layers."""
        self.merge_parts()
        self.backbone.stages = self._plain_stages


def restage(backbone: Backbone) -> None:
    """Bring the stages' parameters up to date after layers were given parts of their own.

    A parameter of a new name belongs to the stage of the layer that holds it.

    Args:
        backbone: The model; its stages still say what the plain network's parameters are.
    """
    stage_of = {name: s.name for s in backbone.stages for name in s.parameter_names}
    holders = {name.rpartition(".")[0]: stage for name, stage in stage_of.items() if "." in name}
    names: dict[str, list[str]] = {stage.name: [] for stage in backbone.stages}
    for name, _ in backbone.network.named_parameters():
        owner = stage_of.get(name) or _held_by(name, holders, backbone.head_path)
        if owner is not None:
            names[owner].append(name)
    backbone.stages = tuple(
        replace(stage, parameter_names=tuple(names[stage.name])) for stage in backbone.stages
    )


def _held_by(name: str, holders: dict[str, str], head_path: str) -> str | None:
    """Return the stage of the innermost layer that holds a parameter of a new name."""
    if is_within(name, head_path):
        return None
    path = name.rpartition(".")[0]
    while path and path not in holders:
        path = path.rpartition(".")[0]
    return holders.get(path)


def is_within(name: str, path: str) -> bool:
    """Return whether a qualified name is a module's own, or of something in it."""
    return name == path or name.startswith(f"{path}.")


def layers_before_head(backbone: Backbone) -> dict[str, nn.Module]:
    """Return the modules of a backbone outside of its head, by their qualified names."""
    modules = backbone.network.named_modules()
    return {n: m for n, m in modules if n and not is_within(n, backbone.head_path)}
