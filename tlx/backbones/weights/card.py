"""Model files: half or full precision weights with a card that says where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tlx.backbones.heads import AUXILIARY_PATHS
from tlx.backbones.mlp.mlp_name import is_mlp
from tlx.backbones.names import family_of
from tlx.backbones.preprocess import Preprocess
from tlx.backbones.weights.sources import WeightsError
from tlx.errors import Fault, TlxError
from tlx.runs.atomic import atomic_path
from tlx.runs.record_file import record_of
from tlx.runs.stored import parse_json
from tlx.texts.markdown import markdown_code, markdown_names, markdown_text

CARD_KEY: Final = "tlx_card"
CARD_FORMAT: Final = 1
LINEAR_HEAD: Final = "linear"
NEAREST_HEAD: Final = "nearest_neighbours"


@dataclass(frozen=True)
class Card:
    """What a model file is, stored as JSON in its metadata.

    Args:
        name: The model's name.
        backbone: The builder that makes its network.
        num_classes: Outputs of its head.
        class_names: One name per output.
        preprocess: `Preprocess.to_dict()` of its input.
        data: What it was trained on.
        recipe: How it was trained.
        seed: The seed of the training.
        score: Metric names and values on held-out data.
        command: The command that made it.
        versions: Package names and versions.
        head: `linear` (torchvision's own last layer) or `nearest_neighbours`.
        target: Name, centre and scale of the number that its one output means; None: classes.
        format: Version of this layout.
    """

    name: str
    backbone: str
    num_classes: int
    class_names: tuple[str, ...]
    preprocess: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    score: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    head: str = LINEAR_HEAD
    target: dict[str, Any] | None = None
    format: int = CARD_FORMAT

    def to_json(self) -> str:
        """Return the card as JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Return the card that `to_json` wrote; fields unknown to this version are dropped.

        Raises:
            ValueError: If the layout is newer than this version of tlx knows, or not a card.
        """
        values = parse_json(text)
        if not isinstance(values, dict) or not isinstance(values.get("format"), int):
            raise ValueError("its card is not a JSON object with a format number")
        if values["format"] > CARD_FORMAT:
            raise ValueError(f"its card has format {values['format']}; this tlx reads format 1")
        try:
            return record_of(values, cls)
        except ValueError as error:
            raise ValueError(f"its card is damaged: {error}") from error


def _stored(network: nn.Module, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return the state dict to store: parameters in `dtype`, buffers as they are.

    Running variances would overflow or vanish in half precision, so buffers keep theirs.
    """
    parameters = {name for name, _ in network.named_parameters()}
    tensors = {}
    for name, value in network.state_dict().items():
        stored = value.detach().cpu()
        if name in parameters:
            stored = stored.to(dtype)
            if not torch.isfinite(stored).all():
                raise TlxError(f"{name} is not finite in {dtype}: the model cannot be saved so.")
        tensors[name] = stored.contiguous()
    return tensors


def save_model(
    path: str | Path,
    network: nn.Module,
    card: Card,
    dtype: Literal["float32", "float16"] = "float32",
) -> None:
    """Write a network and its card to one safetensors file, at once or not at all.

    Args:
        path: The file to write; its folder must exist.
        network: The plain torchvision module.
        card: What the model is.
        dtype: Precision of the parameters; buffers (running statistics) keep their own.

    Raises:
        TlxError: If a parameter is not finite in this precision.
    """
    precision = {"float32": torch.float32, "float16": torch.float16}[dtype]
    with atomic_path(Path(path)) as temporary:
        save_file(_stored(network, precision), temporary, metadata={CARD_KEY: card.to_json()})


def read_card(path: str | Path) -> Card | None:
    """Return the card of a safetensors file, or None where it has none.

    Raises:
        WeightsError: If the file is not safetensors, or its card is from a newer tlx.
    """
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(CARD_KEY)
    except Exception as error:  # safetensors has several error types for a broken header
        reason = f"it cannot be read as safetensors ({error})"
        remedy = "Check that the file is whole; copy or export it again."
        raise WeightsError(Fault("backbone.weights", path, reason, remedy)) from error
    if text is None:
        return None
    try:
        return Card.from_json(text)
    except ValueError as error:
        remedy = "Install the newest tlx, or export the model again."
        raise WeightsError(Fault("backbone.weights", path, str(error), remedy)) from error


def _table(values: Mapping[str, Any]) -> list[str]:
    lines = [f"- {markdown_text(str(k))}: {markdown_text(str(v))}" for k, v in values.items()]
    return lines or ["- not recorded"]


def card_markdown(card: Card) -> str:
    """Return a card for people: what the model is, how it was made and how to load it.

    Names and values stand for themselves: none of them can change the card's structure.
    """
    preprocess = card.preprocess
    lines = [
        f"# {markdown_text(card.name)}",
        "",
        f"{_maker(card)} {markdown_code(card.backbone)} for {_predicted(card)}.",
        "",
        "## Data",
        "",
        *_table(card.data),
        "",
        "## Recipe",
        "",
        *_table(card.recipe | {"seed": card.seed}),
        "",
        "## Score",
        "",
        *_table(card.score),
        "",
        "## Made by",
        "",
        markdown_code(card.command or "not recorded"),
        "",
        *_table(card.versions),
        "",
        "## Input",
        "",
        *_table(preprocess),
        "",
        "## Load in plain torchvision" if _is_plain(card) else "## Load",
        "",
        "```python",
        *(_loading_code(card) if _is_plain(card) else _loading_code_of_tlx(card)),
        "```",
        "",
    ]
    return "\n".join(lines)


def _predicted(card: Card) -> str:
    if card.target is not None:
        scale, centre = float(card.target["scale"]), float(card.target["centre"])
        name = markdown_text(str(card.target["name"]))
        return f"the number {name} (output \\* {scale} + {centre})"
    names = markdown_names(card.class_names[:20]) + (", ..." if len(card.class_names) > 20 else "")
    return f"{card.num_classes} classes: {names}"


def _maker(card: Card) -> str:
    return "tlx" if is_mlp(card.backbone) else "torchvision"


def _is_plain(card: Card) -> bool:
    """Return whether torchvision alone can build the network."""
    return card.head == LINEAR_HEAD and not is_mlp(card.backbone)


def _loading_code_of_tlx(card: Card) -> list[str]:
    """Return code for a model whose head torchvision does not have."""
    name = json.dumps(card.backbone)
    given = f'{name}, num_classes=None, weights="model.safetensors", keep_head=True'
    taken = (
        "features: float32 (n, d)" if is_mlp(card.backbone) else "images: uint8 (n, channels, h, w)"
    )
    images = taken.partition(":")[0]
    return [
        "from tlx.backbones import build_backbone",
        "",
        f"backbone = build_backbone({given}).eval()",
        f"logits = backbone(backbone.preprocess({images}))  # {taken}",
    ]


def _loading_code(card: Card) -> list[str]:
    family = family_of(card.backbone)
    size = int(card.preprocess["crop_size"])
    options = [f"num_classes={card.num_classes}"]
    if family == "vit":
        options.append(f"image_size={size}")
    if family == "maxvit":
        options.append(f"input_size=({size}, {size})")
    lines = [
        "from safetensors.torch import load_file",
        "from torchvision.models import get_model",
        "",
        'state = load_file("model.safetensors")',
        "state = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}",
    ]
    if family in AUXILIARY_PATHS:
        first = AUXILIARY_PATHS[family][0]
        transform_input = Preprocess.from_dict(card.preprocess).is_imagenet_normalisation
        lines.append(f'auxiliary = any(key.startswith("{first}.") for key in state)')
        options.append("aux_logits=auxiliary")
        options.append(f"transform_input={transform_input}")
        options.append("init_weights=False")
    lines.append(
        f"network = get_model({json.dumps(card.backbone)}, weights=None, {', '.join(options)})"
    )
    if family == "mnasnet":
        lines.append("# MNASNet asks for its version number, which safetensors does not keep.")
        lines.append("ordered = network.state_dict()")
        lines.append("ordered.update(state)")
        lines.append("state = ordered")
    return [*lines, "network.load_state_dict(state)"]
