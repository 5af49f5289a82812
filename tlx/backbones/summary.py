"""What a builder makes, in numbers: its stages, parameters and the shapes between stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Interpreter, Node
from torchvision.models import get_model_weights

from tlx.backbones.construct import construct
from tlx.backbones.heads import auxiliary_paths, head_path
from tlx.backbones.image_size import image_size_fault, without_batch_norm
from tlx.backbones.stages import find_stages
from tlx.backbones.tracing import trace
from tlx.backbones.weights.sources import torchvision_weights
from tlx.backbones.weights.weights import default_preprocess
from tlx.errors import ConfigError


@dataclass(frozen=True)
class BuilderSummary:
    """One line about a builder.

    Args:
        name: The builder.
        parameters: How many parameters its network has, with 1000 classes.
        image_size: Height and width of the input of its DEFAULT weights, in pixels.
        weights: Names of torchvision's weights, without DEFAULT.
    """

    name: str
    parameters: int
    image_size: int
    weights: tuple[str, ...]


@dataclass(frozen=True)
class PartSummary:
    """One stage, the head or the auxiliary classifiers.

    Args:
        name: The stage's name, or the head's path.
        modules: The largest modules that lie in it.
        parameters: How many parameters it has.
        output_shape: Shape of its output for one image; empty for auxiliary classifiers.
    """

    name: str
    modules: tuple[str, ...]
    parameters: int
    output_shape: tuple[int, ...]


def summarise_builder(name: str) -> BuilderSummary:
    """Return what torchvision records about a builder, without building its network."""
    default = get_model_weights(name).DEFAULT
    weights = {entry.name for entry in torchvision_weights(name).values()}
    return BuilderSummary(
        name=name,
        parameters=int(default.meta["num_params"]),
        image_size=default_preprocess(name).crop_size,
        weights=tuple(sorted(weights)),
    )


class _ShapeReader(Interpreter):
    """Runs a traced network and keeps the shape of every operation's output."""

    def __init__(self, module: GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[Node, tuple[int, ...]] = {}

    def run_node(self, n: Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.shapes[n] = tuple(result.shape)
        return result


def _shapes(network: nn.Module, image_size: int) -> dict[str, tuple[int, ...]]:
    """Return output shapes by operation name; the network loses its batch norms."""
    without_batch_norm(network).to("meta").eval()
    traced = trace(network)
    reader = _ShapeReader(GraphModule(network, traced.graph))
    reader.run(torch.empty(1, 3, image_size, image_size, device="meta"))
    by_name = {traced.names[node]: shape for node, shape in reader.shapes.items()}
    output = next(node for node in reader.shapes if node.op == "output")
    return by_name | {"": reader.shapes[output]}


def summarise_stages(
    name: str, num_classes: int = 1000, image_size: int | None = None
) -> tuple[PartSummary, ...]:
    """Return the stages, the head and the auxiliary classifiers of a builder's network.

    Nothing is computed but shapes.

    Args:
        name: A builder name.
        num_classes: Outputs of the head.
        image_size: Height and width of the input in pixels; None means the DEFAULT preset's.

    Raises:
        ConfigError: If the network cannot take images of this size.
    """
    size = default_preprocess(name).crop_size if image_size is None else image_size
    fault = image_size_fault(name, size)
    if fault is not None:
        raise ConfigError([fault])
    network = construct(name, num_classes, image_size=size, meta=True)
    head = head_path(name)
    counts = {key: value.numel() for key, value in network.named_parameters()}
    stages = find_stages(network, head)
    auxiliary = [
        PartSummary(path, (path,), _count(counts, path), ()) for path in auxiliary_paths(name)
    ]
    shapes = _shapes(network, size)
    parts = [
        PartSummary(
            stage.name,
            stage.module_names,
            sum(counts[key] for key in stage.parameter_names),
            shapes[stage.cut],
        )
        for stage in stages
    ]
    return (*parts, PartSummary(head, (head,), _count(counts, head), shapes[""]), *auxiliary)


def _count(counts: dict[str, int], path: str) -> int:
    return sum(count for key, count in counts.items() if key.startswith(f"{path}."))
