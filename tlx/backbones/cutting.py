"""Cutting a backbone in two behind a stage."""

from __future__ import annotations

from torch import Tensor, nn
from torch.fx import Graph, GraphModule, Node

from tlx.backbones.backbone import Backbone
from tlx.backbones.tracing import Trace, main_output, trace


class Prefix(nn.Module):
    """The stages up to a cut, always in evaluation mode.

    Args:
        graph_module: The traced stages, whose layers are the backbone's own.
    """

    def __init__(self, graph_module: GraphModule) -> None:
        super().__init__()
        self.graph_module = graph_module
        self.eval()

    def train(self, mode: bool = True) -> Prefix:
        """Stay in evaluation mode, whatever `mode` says."""
        del mode
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features at the cut.

        Args:
            images: Preprocessed input, shape (n, 3, height, width).
        """
        # The backbone owns these layers too and may have put them into training mode.
        self.graph_module.eval()
        features: Tensor = self.graph_module(images)
        return features


class Tail(nn.Module):
    """The stages behind a cut and the head.

    A traced graph freezes functional dropout in the mode of the trace, so there is one graph for
    training and one for evaluation, over the same layers.

    Args:
        training_graph: The rest of the network as it runs in training.
        evaluation_graph: The rest of the network as it runs in evaluation.
    """

    def __init__(self, training_graph: GraphModule, evaluation_graph: GraphModule) -> None:
        super().__init__()
        self.training_graph = training_graph
        self.evaluation_graph = evaluation_graph

    def forward(self, features: Tensor) -> Tensor:
        """Return logits, shape (n, num_classes); auxiliary classifiers are left out.

        Args:
            features: What the prefix returned.
        """
        graph = self.training_graph if self.training else self.evaluation_graph
        logits: Tensor = graph(features)
        return logits


def cut_behind(backbone: Backbone, stage_name: str) -> tuple[Prefix, Tail]:
    """Cut a backbone behind a stage; `tail(prefix(x))` equals the backbone's logits in evaluation.

    Both parts share their layers with the backbone, so training the tail trains the backbone, and
    `prefix(x)` puts the backbone's layers before the cut into evaluation mode.

    Args:
        backbone: Model A.
        stage_name: The last stage of the prefix.

    Raises:
        KeyError: If the backbone has no stage of this name.
    """
    cuts = {stage.name: stage.cut for stage in backbone.stages}
    cut = cuts[stage_name]
    network = backbone.network
    modes = {module: module.training for module in network.modules()}
    evaluation, training = trace(network), trace(network, training=True)
    prefix = Prefix(GraphModule(network, _head_graph(evaluation, cut)))
    tail = Tail(
        GraphModule(network, _tail_graph(training, cut)),
        GraphModule(network, _tail_graph(evaluation, cut)),
    )
    for module, mode in modes.items():
        module.training = mode
    tail.training = backbone.training
    return prefix, tail


def _node_at(traced: Trace, cut: str) -> Node:
    return next(node for node, name in traced.names.items() if name == cut and node.op != "output")


def _copied(traced: Trace, output: Node, start: Node | None) -> Graph:
    """Return the operations that lead to `output`, from the network's input or from `start`."""
    graph = Graph()
    copies: dict[Node, Node] = {}
    if start is not None:
        copies[start] = graph.placeholder("features")
    needed = _needed(output, start)
    for node in traced.graph.nodes:
        if node in needed and node not in copies:
            copies[node] = graph.node_copy(node, lambda source: copies[source])
    graph.output(copies[output])
    return graph


def _needed(output: Node, start: Node | None) -> set[Node]:
    needed: set[Node] = set()
    open_nodes = [output]
    while open_nodes:
        node = open_nodes.pop()
        if node not in needed:
            needed.add(node)
            open_nodes += [] if node is start else node.all_input_nodes
    return needed


def _head_graph(traced: Trace, cut: str) -> Graph:
    return _copied(traced, _node_at(traced, cut), None)


def _tail_graph(traced: Trace, cut: str) -> Graph:
    return _copied(traced, main_output(traced.graph), _node_at(traced, cut))
