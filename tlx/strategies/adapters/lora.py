"""Low-rank adaptation: small matrices beside the frozen weights, by PEFT, and a new head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrize import register_parametrization

from tlx.errors import Fault
from tlx.extras import install_command, missing_modules
from tlx.strategies.adapters.adaptable_layers import (
    Layer,
    adaptable_layers,
    chosen_layers,
    reason_and_remedy,
)
from tlx.strategies.adapters.adapted import Adapted
from tlx.strategies.adapters.low_rank import LowRank, inject, injected, merge_injected, merged_state
from tlx.strategies.adapters.parametrized import evaluate_for_good, parametrizing
from tlx.strategies.fine_tuning.norm_only import Statistics
from tlx.strategies.parameter_kinds import norm_layers

if TYPE_CHECKING:
    from tlx.backbones import Backbone

Target = str | list[str]


class Lora(Adapted):
    """Train low-rank matrices added to weights of the frozen backbone, and a new head.

    W x becomes W x + (alpha / rank) B A x with A (rank, inputs) and B (outputs, rank), which is
    zero at first; of a convolution A has its kernel and B is 1 x 1. In the end W takes up the
    product. Source: Hu et al. 2022, "LoRA: Low-rank adaptation of large language models", section
    4.1. The layers are PEFT's, but for projections whose weights torchvision reads without calling
    them (attention in ViT and Swin): PEFT has none for Swin's, and those for ViT's rewrite the
    frozen weights in each step, with rounding. Theirs are torch parametrizations.

    Args:
        backbone: Model A with a head for the target task.
        rank: Rank of the added matrices.
        alpha: Their factor is `alpha / rank`.
        dropout: Share of a layer's inputs that training leaves out of the added part.
        target: `all`, `attention`, `convolution`, `linear` (but for attention's), the name of a
            module for the layers in it, a pattern (`layer4.*`), or a list of these.
        statistics: `frozen` keeps batch norm's means and variances as they are in model A;
            `target` takes them from the batches, and averages them over the target task.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        rank: Annotated[int, Field(ge=1)] = 8,
        alpha: Annotated[float, Field(gt=0)] = 16.0,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        target: Target = "all",
        statistics: Statistics = "frozen",
    ) -> None:
        self._low_rank = LowRank(rank, alpha, dropout)
        self._target = target
        self._statistics = statistics
        super().__init__(backbone)

    @classmethod
    def faults(
        cls,
        stage_names: Sequence[str],  # noqa: ARG003
        *,
        backbone_name: str | None = None,
        dropout: float = 0.0,
        target: Target = "all",
        statistics: Statistics = "frozen",
        **_: Any,
    ) -> list[Fault]:
        """Return a fault where PEFT is missing, or the backbone has nothing of what is asked."""
        from tlx.backbones.construct import construct
        from tlx.backbones.heads import head_path

        missing = missing_modules("lora")
        if missing:
            reason = f"{', '.join(missing)} is not installed"
            return [Fault("strategy", "lora", reason, f"Run {install_command('lora')}.")]
        if backbone_name is None:
            return []
        network = construct(backbone_name, 2, meta=True)
        layers = adaptable_layers(network, head_path(backbone_name))
        wrong = reason_and_remedy(layers, target, backbone_name)
        faults = [] if wrong is None else [Fault("strategy.target", target, *wrong)]
        faults += _dropout_faults(chosen_layers(layers, target), dropout)
        if statistics == "target" and not any(isinstance(m, _BatchNorm) for m in network.modules()):
            reason = f"the norms of {backbone_name} keep no statistics"
            faults.append(Fault("strategy.statistics", statistics, reason, "Use frozen."))
        return faults

    def add_parts(self, backbone: Backbone) -> None:
        """Add the matrices to the chosen layers."""
        network = backbone.network
        chosen = chosen_layers(adaptable_layers(network, backbone.head_path), self._target)
        self._count = len(chosen)
        inject(network, [layer.name for layer in chosen if layer.called], self._low_rank)
        for layer in chosen:
            if not layer.called:
                holder = network.get_submodule(layer.name)
                added = self._low_rank.beside(getattr(holder, layer.tensor))
                register_parametrization(holder, layer.tensor, added)

    def added_parameters(self) -> frozenset[str]:
        """Return the names of all added matrices."""
        network = self.backbone.network
        names = (name for name, _ in network.named_parameters())
        return parametrizing(network) | {n for n in names if ".lora_" in n}

    def plain_state(self) -> dict[str, Tensor]:
        """Return the state of the plain network, buffers too, with the products in its weights."""
        return merged_state(self.backbone.network)

    def merge_parts(self) -> None:
        """Add the products to the weights."""
        merge_injected(self.backbone.network)
        evaluate_for_good(self.backbone.network)

    def modules_that_follow(self) -> list[nn.Module]:
        """Return the added dropout, and the norms where their statistics are to move."""
        network = self.backbone.network
        dropouts: list[nn.Module] = [layer.lora_dropout for layer in injected(network).values()]
        norms = norm_layers(network).values() if self._statistics == "target" else ()
        return [*dropouts, *norms]

    def describe(self) -> str:
        """Return one line for the console: what trains and what is frozen."""
        rank = self._low_rank.rank
        return f"trains matrices of rank {rank} beside {self._count} layers, head; the rest frozen"


def _dropout_faults(chosen: Sequence[Layer], dropout: float) -> list[Fault]:
    read = next((layer.name for layer in chosen if not layer.called), None)
    if not dropout or read is None:
        return []
    reason = f"the weight of {read} is read without inputs of its own to leave out"
    return [Fault("strategy.dropout", dropout, reason, "Use 0, or another strategy.target.")]
