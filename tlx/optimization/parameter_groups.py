"""Which weights decay, and how fast each part of the network learns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Return whether weight decay applies to a parameter.

    Decay shrinks the weights of linear maps, convolutions and embeddings of tokens. It does not
    apply to norms, biases and other 1-D parameters, nor to what is no linear map though it has
    more dimensions: class tokens, position embeddings, Swin's bias tables and logit scales,
    ConvNeXt's layer scales. In torchvision's naming, and PyTorch's, linear maps are the
    parameters called `...weight` with two dimensions or more.

    Args:
        name: The parameter's qualified name.
        parameter: The parameter, any shape.
    """
    return parameter.ndim >= 2 and name.rsplit(".", 1)[-1].endswith("weight")


@dataclass(frozen=True)
class StagedParameters:
    """Named parameters that know their distance from the head; iterated over as pairs.

    Args:
        named: Names and parameters.
        depths: By name, 0 for the head, 1 for the last stage, and so on down to the input; what
            is not named counts as the head.
        undecayed: Names of those which something else than weight decay regularises.
    """

    named: Sequence[tuple[str, nn.Parameter]]
    depths: Mapping[str, int]
    undecayed: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield names and parameters."""
        return iter(self.named)


def rate_factor(depth: int, *, head_lr_ratio: float, layer_decay: float) -> float:
    """Return a part's learning rate over the optimizer's.

    The head learns `head_lr_ratio` times as fast; a stage d places before it `layer_decay ** d`
    times (Clark et al. 2020, "ELECTRA", by layers; Howard & Ruder 2018, section 3.2).

    Args:
        depth: Distance from the head in stages.
        head_lr_ratio: Above 0.
        layer_decay: In (0, 1].
    """
    return head_lr_ratio if depth == 0 else layer_decay**depth


def parameter_groups(
    parameters: Iterable[tuple[str, nn.Parameter]],
    *,
    weight_decay: float,
    lr: float | None = None,
    head_lr_ratio: float = 1.0,
    layer_decay: float = 1.0,
) -> list[dict[str, Any]]:
    """Return optimizer groups: by learning rate, weights that decay and those that do not.

    Args:
        parameters: Names and parameters of everything that trains in *any* epoch. Groups exist
            from the start, since adding one later breaks the schedulers. Without depths
            (`StagedParameters`) all are the head's.
        weight_decay: Decay of the weights that decay.
        lr: The optimizer's learning rate; needed where the others are not 1.
        head_lr_ratio: Learning rate of the head over `lr`.
        layer_decay: Learning rate of a stage over that of the next one towards the head.

    Returns:
        Groups with their `params`, `weight_decay` and `name`, and with their `lr` where it is not
        the same for all; the head's come first, empty ones are left out.
    """
    if not isinstance(parameters, StagedParameters):
        parameters = StagedParameters(list(parameters), {})
    depths, spared = parameters.depths, parameters.undecayed
    if lr is None or head_lr_ratio == layer_decay == 1:
        return _decay_groups(parameters.named, weight_decay, spared)
    by_factor: dict[float, list[tuple[str, nn.Parameter]]] = {}
    for name, parameter in sorted(parameters.named, key=lambda item: depths.get(item[0], 0)):
        depth = depths.get(name, 0)
        factor = rate_factor(depth, head_lr_ratio=head_lr_ratio, layer_decay=layer_decay)
        by_factor.setdefault(factor, []).append((name, parameter))
    return [
        group | {"name": f"{group['name']} x{factor:g}", "lr": lr * factor}
        for factor, named in by_factor.items()
        for group in _decay_groups(named, weight_decay, spared)
    ]


def _decay_groups(
    named: Sequence[tuple[str, nn.Parameter]], weight_decay: float, spared: frozenset[str]
) -> list[dict[str, Any]]:
    decaying = {n for n, p in named if decays(n, p) and n not in spared}
    groups = [
        ("decay", weight_decay, [p for n, p in named if n in decaying]),
        ("no_decay", 0.0, [p for n, p in named if n not in decaying]),
    ]
    return [{"name": n, "params": ps, "weight_decay": d} for n, d, ps in groups if ps]
