"""The model card of an export: what it is, what it is for, how well it does, how to load it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlx.backbones.card import Card, card_markdown
from tlx.exporting.formats import INPUT, OUTPUT
from tlx.prediction.images import stored_form

if TYPE_CHECKING:
    from tlx.exporting.check import Agreement
    from tlx.runs.result import Result

METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "expected_calibration_error": "expected calibration error",
    "loss": "negative log-likelihood",
}


@dataclass(frozen=True)
class Export:
    """What was exported.

    Args:
        form: The format's name.
        file_name: The file, without its folder.
        size: Height and width of the images it takes.
        agreement: How close it is to the model.
        intended_use: What it is for, in the user's words; None for tlx's own.
    """

    form: str
    file_name: str
    size: tuple[int, int]
    agreement: Agreement
    intended_use: str | None = None


def model_card(card: Card, result: Result, export: Export) -> str:
    """Return the model card in Markdown.

    Args:
        card: The card in the model's file.
        result: The run's result.
        export: What was exported.
    """
    strategy = card.recipe.get("strategy", {})
    training = {k: v for k, v in card.recipe.items() if k in ("loss", "optimizer", "scheduler")}
    sections = {
        "Intended use": [export.intended_use or _intended_use(card)],
        "Data": _listed(card.data),
        "Strategy": [
            *_listed(strategy | {"model A": card.recipe.get("backbone", {})}),
            *_listed({"parameters": _parameters(result), "seed": card.seed}),
            *_listed(training),
        ],
        "Metrics": _metrics(result),
        "Input and output": _input(card, export),
        "How to load": ["```python", *_loading_code(card, export), "```"],
        "Export": [f"- format: {export.form}", f"- check: {export.agreement}"],
        "Made by": [f"`{card.command or 'not recorded'}`", "", *_listed(card.versions)],
    }
    lines = [f"# {card.name}", "", _what(card)]
    for title, content in sections.items():
        lines += ["", f"## {title}", "", *content]
    return "\n".join(lines) + "\n"


def _what(card: Card) -> str:
    names = ", ".join(card.class_names)
    return f"torchvision's `{card.backbone}` for {card.num_classes} classes: {names}."


def _intended_use(card: Card) -> str:
    data = card.data.get("name", "the data below")
    return (
        f"To sort images like those of {data} into the classes above, and to compare methods of "
        "transfer learning. Every image gets one of these classes, also one that shows none of "
        "them. The scores below hold for images drawn as the test images were; on others they have "
        "to be measured again, and decisions about people need more than these scores."
    )


def _listed(values: Mapping[str, Any]) -> list[str]:
    return [f"- {key}: {_plain(value)}" for key, value in values.items() if value is not None]


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(v)}" for key, v in value.items() if v is not None)
    return str(value)


def _parameters(result: Result) -> str:
    counts = result.parameters
    return f"{counts.get('trained', 0):,} trained of {counts.get('total', 0):,}"


def _metrics(result: Result) -> list[str]:
    splits = [split for split in ("val", "test") if split in result.metrics]
    lines = [f"| | {' | '.join(splits)} |", "|---|" + "---|" * len(splits)]
    counts = (str(result.metrics[split].get("samples")) for split in splits)
    lines.append(f"| images | {' | '.join(counts)} |")
    for key, words in METRICS.items():
        values = (_number(result.metrics[split].get(key)) for split in splits)
        lines.append(f"| {words} | {' | '.join(values)} |")
    return [*lines, "", "The validation images chose the epoch; the test images were used once."]


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "not recorded"


def _input(card: Card, export: Export) -> list[str]:
    height, width = export.size
    form = stored_form(card.data)
    stored = {"images are stored at": f"{form.size} pixels, by {form.resize}"} if form else {}
    pipeline = _listed(stored | card.preprocess)
    if export.form == "safetensors":
        return ["The file holds weights; the network's input is made so:", "", *pipeline]
    return [
        f"`{INPUT}`: uint8 RGB pixels from 0 to 255, shape (batch, 3, {height}, {width}); the "
        "batch may have any size. The input pipeline is part of the file:",
        "",
        *pipeline,
        "",
        f"`{OUTPUT}`: float32, shape (batch, {card.num_classes}); a softmax over the last "
        "dimension gives probabilities, in the order of the classes above.",
    ]


def _loading_code(card: Card, export: Export) -> list[str]:
    if export.form == "safetensors":
        markdown = card_markdown(card).replace("model.safetensors", export.file_name)
        return markdown.split("```python\n")[1].split("\n```")[0].splitlines()
    if export.form == "onnx":
        return [
            "import onnxruntime",
            "",
            f'session = onnxruntime.InferenceSession("{export.file_name}")',
            f'(logits,) = session.run(["{OUTPUT}"], {{"{INPUT}": images}})  # a NumPy array',
        ]
    return [
        "import torch",
        "",
        f'model = torch.export.load("{export.file_name}").module()',
        f"logits = model({INPUT})  # a tensor",
    ]
