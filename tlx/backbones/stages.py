"""The ordered stages of any traceable classifier, found from its operations.

No table of architectures: a stage is a module at the level where the network's main sequence
unfolds, and it ends at a place where exactly one value is live, so that the network can be cut
there in two without changing what it computes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Final

from torch import nn
from torch.fx import Node

from tlx.backbones.heads import head_path
from tlx.backbones.tracing import Trace, clean_cuts, trace

_STAGES: Final[dict[tuple[str, tuple[str, ...]], tuple[Stage, ...]]] = {}
WRAPPER_CHILDREN: Final = 3
"""A module with more parameterised children than this is a sequence of stages, not a wrapper."""


@dataclass(frozen=True)
class Stage:
    """A contiguous part of a network.

    Args:
        name: Qualified name of the module that gives the stage its name (`layer3`).
        parameter_names: Qualified names of all parameters used in the stage.
        module_names: The largest modules that lie wholly inside the stage. Calling `eval()` on
            them freezes its batch norm statistics, dropout and stochastic depth.
        cut: Name of the stage's last operation; the network can be cut behind it.
    """

    name: str
    parameter_names: tuple[str, ...]
    module_names: tuple[str, ...]
    cut: str


@dataclass(frozen=True)
class _Span:
    """Units that belong together, from their first to their last operation in the flow."""

    units: tuple[str, ...]
    first: int
    last: int

    def joined(self, later: _Span) -> _Span:
        return _Span(self.units + later.units, self.first, max(self.last, later.last))


def _is_within(name: str, prefix: str) -> bool:
    return not prefix or name == prefix or name.startswith(f"{prefix}.")


class _Network:
    """What the grouping asks about a traced network."""

    def __init__(self, network: nn.Module, head_path: str) -> None:
        self.network = network
        self.head_path = head_path
        self.traced = trace(network)
        self.flow = self.traced.flowing
        self.owners = tuple(self.traced.owners[node] for node in self.flow)
        self.head_position = self._position_of_head()
        cuts = clean_cuts(self.traced)
        self.cuts = cuts[: bisect_left(cuts, self.head_position)]
        self.parameters = {
            name: parameter
            for name, parameter in network.named_parameters()
            if not _is_within(name, head_path)
        }
        self.first_use = _first_uses(self.traced)
        self.uses = _parameter_uses(network, self.first_use)

    def _position_of_head(self) -> int:
        for index, node in enumerate(self.flow):
            if node.op == "call_module" and node.target == self.head_path:
                return index
        raise ValueError(f"The network never calls its head {self.head_path!r}.")

    def is_run(self, path: str) -> bool:
        """Whether an operation before the head runs in this module."""
        owners = self.owners[: self.head_position]
        return any(_is_within(owner, path) for owner in owners)

    def has_parameters(self, path: str) -> bool:
        """Whether the module holds parameters other than the head's, and is run."""
        holds = any(_is_within(name, path) for name in self.parameters)
        return holds and self.is_run(path)

    def is_norm_only(self, path: str) -> bool:
        """Whether all of the module's parameters are vectors, as in a normalisation layer."""
        return all(
            parameter.dim() <= 1
            for name, parameter in self.parameters.items()
            if _is_within(name, path)
        )

    def cuts_within(self, path: str) -> int:
        """Return how many clean cuts lie in the module."""
        return sum(_is_within(self.owners[cut], path) for cut in self.cuts)


def _first_uses(traced: Trace) -> dict[Node, int]:
    """Return the position in the flow where each operation happens or is first used."""
    first_use = {node: index for index, node in enumerate(traced.flowing)}
    for node in reversed(traced.graph.nodes):
        later = [first_use[user] for user in node.users if user in first_use]
        if node not in first_use and later:
            first_use[node] = min(later)
    return first_use


def _parameter_uses(network: nn.Module, first_use: dict[Node, int]) -> dict[str, int]:
    """Return each used parameter's first position in the flow, by qualified name."""
    name_of = {parameter: name for name, parameter in network.named_parameters()}
    uses: dict[str, int] = {}
    for node, position in first_use.items():
        used: list[nn.Parameter] = []
        if node.op == "call_module":
            used += network.get_submodule(str(node.target)).parameters()
        elif node.op == "get_attr":
            value = _attribute(network, str(node.target))
            used += [value] if isinstance(value, nn.Parameter) else []
        for parameter in used:
            name = name_of[parameter]
            uses[name] = min(position, uses.get(name, position))
    return uses


def _attribute(network: nn.Module, path: str) -> object:
    owner, _, name = path.rpartition(".")
    return getattr(network.get_submodule(owner), name)


def _unit_names(known: _Network, path: str = "") -> list[str]:
    """Return the modules at the level where the network unfolds, below `path`."""
    prefix = f"{path}." if path else ""
    module = known.network.get_submodule(path)
    children = {f"{prefix}{name}": child for name, child in module.named_children()}
    holding = [name for name in children if known.has_parameters(name)]
    units: list[str] = []
    total = len(known.cuts)
    for name in holding:
        has_children = next(children[name].children(), None) is not None
        is_main = len(holding) <= WRAPPER_CHILDREN and known.cuts_within(name) * 2 > total
        holds_head = _is_within(known.head_path, name)
        if has_children and (is_main or holds_head):
            units += _unit_names(known, name)
        else:
            units.append(name)
    return units


def _spans(known: _Network) -> list[_Span]:
    """Return the first and last operation of each unit, in the order they start."""
    spans = []
    for name in _unit_names(known):
        inside = [
            index
            for index, owner in enumerate(known.owners[: known.head_position])
            if _is_within(owner, name)
        ]
        if inside:
            spans.append(_Span((name,), inside[0], inside[-1]))
    return sorted(spans, key=lambda span: span.first)


def _last_cut_before(known: _Network, position: int) -> int:
    """Return the last clean cut before an operation, or -1."""
    before = bisect_left(known.cuts, position)
    return known.cuts[before - 1] if before else -1


def _merge(known: _Network, spans: list[_Span]) -> list[_Span]:
    """Merge neighbours that no clean cut parts, and norms into the stage before them.

    Returns:
        Spans that each end at a clean cut; operations between units go to the earlier one.
    """
    merged: list[_Span] = []
    for span in spans:
        previous = merged[-1] if merged else None
        cut = _last_cut_before(known, span.first)
        if previous is not None and (
            cut < previous.last
            or known.is_norm_only(span.units[0])
            or all(known.is_norm_only(unit) for unit in previous.units)
        ):
            merged[-1] = previous.joined(span)
        else:
            if previous is not None:
                merged[-1] = replace(previous, last=cut)
            merged.append(span)
    return merged


def _ends(known: _Network, merged: list[_Span]) -> list[int]:
    """Return the cut that ends each stage; the last one feeds the head."""
    cut = _last_cut_before(known, known.head_position)
    if cut < merged[-1].last:
        raise ValueError(f"No single value feeds the head {known.head_path!r}.")
    return [*(span.last for span in merged[:-1]), cut]


def _name_of(known: _Network, span: _Span) -> str:
    """Return the first unit that is more than a norm."""
    weighty = [unit for unit in span.units if not known.is_norm_only(unit)]
    return (weighty or list(span.units))[0]


def _module_names(known: _Network, ends: list[int]) -> list[list[str]]:
    """Return, for each stage, the largest modules that lie wholly inside it."""
    touched: dict[str, set[int]] = defaultdict(set)
    for node, position in known.first_use.items():
        stage = bisect_left(ends, position)
        path = known.traced.owners[node]
        while path:
            touched[path].add(stage)
            path = path.rpartition(".")[0]
    names: list[list[str]] = [[] for _ in ends]
    for path, _ in known.network.named_modules():
        stages = touched.get(path, set())
        if len(stages) == 1 and touched.get(path.rpartition(".")[0]) != stages:
            stage = next(iter(stages))
            if stage < len(ends):
                names[stage].append(path)
    return names


def _parameter_names(known: _Network, merged: list[_Span], ends: list[int]) -> list[list[str]]:
    """Return, for each stage, the parameters used in it (and unused ones of its units)."""
    names: list[list[str]] = [[] for _ in ends]
    for name in known.parameters:
        if name in known.uses:
            stage = bisect_left(ends, known.uses[name])
        else:
            holders = [
                index
                for index, span in enumerate(merged)
                if any(_is_within(name, unit) for unit in span.units)
            ]
            stage = holders[0] if holders else len(ends)
        if stage < len(ends):
            names[stage].append(name)
    return names


def find_stages(network: nn.Module, head_path: str) -> tuple[Stage, ...]:
    """Return the ordered stages of a network, without its head.

    Args:
        network: Any module with one tensor argument that `torch.fx` can trace; its parameters may
            lie on the meta device.
        head_path: Qualified name of the last layer.

    Returns:
        Stages in the order of the forward pass. Each parameter used before the head belongs to
        exactly one of them; auxiliary classifiers, which run in training only, to none. A network
        that is nothing but a head has no stages.

    Raises:
        ValueError: If the network never calls its head, or no single value feeds the head.
    """
    known = _Network(network, head_path)
    merged = _merge(known, _spans(known))
    if not merged:
        return ()
    ends = _ends(known, merged)
    parameters = _parameter_names(known, merged, ends)
    modules = _module_names(known, ends)
    return tuple(
        Stage(
            name=_name_of(known, span),
            parameter_names=tuple(parameters[index]),
            module_names=tuple(modules[index]),
            cut=known.traced.names[known.flow[ends[index]]],
        )
        for index, span in enumerate(merged)
    )


def stages_of_builder(name: str, network: nn.Module) -> tuple[Stage, ...]:
    """Return `find_stages` of a builder's network; a process traces each only once.

    Args:
        name: The builder.
        network: What it made, whatever the number of classes and the size of images: neither
            changes the order of the stages. Auxiliary classifiers may be gone.
    """
    key = (name, tuple(name for name, _ in network.named_parameters()))
    if key not in _STAGES:
        _STAGES[key] = find_stages(network, head_path(name))
    return _STAGES[key]
