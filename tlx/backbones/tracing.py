"""A network's computation as a list of operations, and the places where it can be cut in two."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

import torchvision
from torch import nn
from torch.fx import Graph, Node
from torchvision.models.feature_extraction import NodePathTracer

from tlx.backbones.nearest_head import NearestNeighbourHead


@dataclass(frozen=True)
class Trace:
    """The operations of one forward pass, in order.

    Args:
        graph: The traced operations, with parameters referred to by their qualified names.
        names: A unique dotted name for each operation; it starts with the module it runs in.
        owners: Qualified name of the module that each operation runs in (of the module itself for
            a leaf such as a convolution; empty for the network's own forward).
        flowing: The operations that depend on the input, in order, without the output. The others
            are constants (parameters, position tables).
    """

    graph: Graph
    names: dict[Node, str]
    owners: dict[Node, str]
    flowing: tuple[Node, ...]


def trace(network: nn.Module, *, training: bool = False) -> Trace:
    """Trace a network in evaluation or training mode; its own modes are restored afterwards.

    Stochastic depth stays a module, so that its own `training` flag decides; functional dropout
    is frozen in the mode of the trace.

    Args:
        network: A module with one tensor argument that `torch.fx` can trace.
        training: The mode to trace in.

    Raises:
        torch.fx.proxy.TraceError: If the forward pass depends on the input's values.
    """
    modes = {module: module.training for module in network.modules()}
    tracer = NodePathTracer(
        autowrap_modules=(math, torchvision.ops),
        leaf_modules=[torchvision.ops.StochasticDepth, NearestNeighbourHead, *_wrappers(network)],
    )
    try:
        graph = tracer.trace(network.train(training))
    finally:
        for module, mode in modes.items():
            module.training = mode
    names: dict[Node, str] = {}
    owners: dict[Node, str] = {}
    for node in graph.nodes:
        name = str(tracer.node_to_qualname.get(node, node.name))
        names[node] = name
        is_leaf = node.op == "call_module"
        owners[node] = str(node.target) if is_leaf else name.rpartition(".")[0]
    return Trace(graph=graph, names=names, owners=owners, flowing=_flowing(graph))


def _wrappers(network: nn.Module) -> set[type[nn.Module]]:
    """Return the types of modules that stand in a layer's place and hold it (PEFT's)."""
    return {type(module) for module in network.modules() if hasattr(module, "base_layer")}


def _flowing(graph: Graph) -> tuple[Node, ...]:
    flowing: dict[Node, None] = {}
    for node in graph.nodes:
        if node.op == "placeholder" or any(source in flowing for source in node.all_input_nodes):
            flowing[node] = None
    return tuple(node for node in flowing if node.op != "output")


def main_output(graph: Graph) -> Node:
    """Return the operation that makes the logits, leaving auxiliary outputs aside.

    Raises:
        TypeError: If the network returns anything but a tensor or a tuple that starts with one.
    """
    value = next(node for node in graph.nodes if node.op == "output").args[0]
    while not isinstance(value, Node) or _makes_named_tuple(value):
        items = value.args if isinstance(value, Node) else value
        if not isinstance(items, tuple | list) or not items:
            break
        value = items[0]
    if not isinstance(value, Node):
        raise TypeError(f"The network returns {value!r}; a tensor is needed.")
    return value


def _makes_named_tuple(node: Node) -> bool:
    return isinstance(node.target, type) and issubclass(node.target, tuple)


def _is_tuple(node: Node) -> bool:
    """Whether the operation makes a tuple: all its users pick an item by number."""
    return bool(node.users) and all(
        user.target is operator.getitem and isinstance(user.args[1], int) for user in node.users
    )


def clean_cuts(traced: Trace) -> tuple[int, ...]:
    """Return the positions after which exactly one value lives on.

    A position counts in `traced.flowing`. Constants are left out, for they can be read again on
    the far side; a shape that is read later makes a position unclean like any other value.
    """
    position = {node: index for index, node in enumerate(traced.flowing)}
    end = len(traced.flowing)
    last_use = [
        max((position.get(user, end) for user in node.users), default=index)
        for index, node in enumerate(traced.flowing)
    ]
    cuts = []
    live: set[int] = set()
    for index, node in enumerate(traced.flowing):
        live = {value for value in live | {index} if last_use[value] > index}
        if live == {index} and not _is_tuple(node) and node.op != "placeholder":
            cuts.append(index)
    return tuple(cuts)
