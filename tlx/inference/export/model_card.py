"""The model card of an export: what it is, what it is for, how well it does, how to load it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import torch

from tlx.backbones.weights.card import Card, card_markdown
from tlx.inference.export.formats import OUTPUT
from tlx.inference.export.image_card import storing_lines
from tlx.inference.export.model_inputs import TakesImages
from tlx.inference.export.table_card import preparation_lines, preparing_code
from tlx.inference.images import stored_form
from tlx.texts.markdown import markdown_code, markdown_names, markdown_text
from tlx.texts.redaction import redact_text

if TYPE_CHECKING:
    from tlx.data.tables.features.preparation import Preparation
    from tlx.inference.export.check import Agreement
    from tlx.inference.export.model_inputs import Taken
    from tlx.runs.result import Result

METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "expected_calibration_error": "expected calibration error",
    "loss": "negative log-likelihood",
    "r2": "R2",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
}


@dataclass(frozen=True)
class Export:
    """What was exported.

    Args:
        form: The format's name.
        file_name: The file, without its folder.
        taken: What it takes.
        agreement: How close it is to the model.
        preparation: How a table's rows become its features; None where it takes images.
        intended_use: What it is for, in the user's words; None for tlx's own.
    """

    form: str
    file_name: str
    taken: Taken
    agreement: Agreement
    preparation: Preparation | None = None
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
        "Intended use": [export.intended_use or _intended_use(card, export)],
        "Data": _listed(card.data),
        "Strategy": [
            *_listed(strategy | {"model A": card.recipe.get("backbone", {})}),
            *_listed({"parameters": _parameters(result), "seed": card.seed}),
            *_listed(training),
        ],
        "Metrics": _metrics(result, export.taken.called),
        "Input and output": _input(card, export),
        "How to load": ["```python", *_loading_code(card, export), "```"],
        "Export": [f"- format: {export.form}", f"- check: {export.agreement}"],
        "Made by": [
            markdown_code(redact_text(card.command) or "not recorded"),
            "",
            *_listed(card.versions),
        ],
    }
    lines = [f"# {markdown_text(card.name)}", "", _what(card, export)]
    for title, content in sections.items():
        lines += ["", f"## {title}", "", *content]
    return "\n".join(lines) + "\n"


def _what(card: Card, export: Export) -> str:
    maker = "torchvision's" if export.preparation is None else "tlx's"
    if card.target is not None:
        return f"{maker} {markdown_code(card.backbone)} for the number {_target(card)}."
    names = markdown_names(card.class_names)
    return f"{maker} {markdown_code(card.backbone)} for {card.num_classes} classes: {names}."


def _target(card: Card) -> str:
    return markdown_code(str((card.target or {}).get("name")))


def _intended_use(card: Card, export: Export) -> str:
    examples, data = export.taken.called, card.data
    source = data.get("path") or data.get("root") or data.get("table")
    name = PurePath(str(source)).name if source else data.get("name", "the data below")
    name = markdown_text(str(name))
    if card.target is not None:
        purpose = f"To predict {_target(card)} of {examples} like those of {name}"
        says = f"Every one of the {examples} gets a number, also one unlike any of them."
    else:
        purpose = f"To sort {examples} like those of {name} into the classes above"
        says = (
            f"Every one of the {examples} gets one of these classes, also one that belongs to "
            "none of them."
        )
    return (
        f"{purpose}, and to compare methods of transfer learning. {says} The scores below hold for "
        f"{examples} drawn as the test {examples} were; on others they have to be measured again, "
        "and decisions about people need more than these scores."
    )


def _listed(values: Mapping[str, Any]) -> list[str]:
    return [
        f"- {markdown_text(str(key))}: {markdown_text(_plain(value))}"
        for key, value in values.items()
        if value is not None
    ]


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(v)}" for key, v in value.items() if v is not None)
    return str(value)


def _parameters(result: Result) -> str:
    counts = result.parameters
    return f"{counts.get('trained', 0):,} trained of {counts.get('total', 0):,}"


def _metrics(result: Result, examples: str) -> list[str]:
    splits = [split for split in ("val", "test") if split in result.metrics]
    lines = [f"| | {' | '.join(splits)} |", "|---|" + "---|" * len(splits)]
    counts = (markdown_text(str(result.metrics[split].get("samples"))) for split in splits)
    lines.append(f"| {examples} | {' | '.join(counts)} |")
    for key, words in METRICS.items():
        values = [result.metrics[split].get(key) for split in splits]
        if any(value is not None for value in values):
            lines.append(f"| {words} | {' | '.join(map(_number, values))} |")
    return [
        *lines, "", f"The validation {examples} chose the epoch; the test {examples} were used "
        "once.",
    ]  # fmt: skip


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "not recorded"


def _input(card: Card, export: Export) -> list[str]:
    if export.preparation is not None:
        lines = [
            f"`{export.taken.name}`: float32, shape (batch, {card.preprocess['features']}).",
            *preparation_lines(export.preparation, export.file_name),
        ]
        return [*lines, "", _output(card)]
    form = stored_form(card.data)
    stored = {"images are stored at": f"{form.size} pixels, by {form.resize}"} if form else {}
    pipeline = _listed(stored | card.preprocess)
    if form and export.taken.words == TakesImages(form.size, form.size).words:
        pipeline += ["", *storing_lines(form)]
    if export.form == "safetensors":
        return ["The file holds weights; the network's input is made so:", "", *pipeline]
    shape = export.taken.random(1, torch.Generator()).shape[1:]
    return [
        f"`{export.taken.name}`: uint8 RGB pixels from 0 to 255, shape (batch, "
        f"{', '.join(map(str, shape))}); the batch may have any size. The input pipeline is part "
        "of the file:",
        "",
        *pipeline,
        "",
        _output(card),
    ]


def _output(card: Card) -> str:
    if card.target is not None:
        scale, centre = float(card.target["scale"]), float(card.target["centre"])
        return (
            f"`{OUTPUT}`: float32, shape (batch, 1); {_target(card)} is "
            f"`{OUTPUT} * {scale} + {centre}`."
        )
    return (
        f"`{OUTPUT}`: float32, shape (batch, {card.num_classes}); a softmax over the last "
        "dimension gives probabilities, in the order of the classes above."
    )


def _loading_code(card: Card, export: Export) -> list[str]:
    name, of_table = export.taken.name, export.preparation is not None
    before = preparing_code(export.file_name) if of_table else []
    if export.form == "safetensors":
        markdown = card_markdown(card).replace('"model.safetensors"', json.dumps(export.file_name))
        code = markdown.split("```python\n")[1].split("\n```")[0]
        if of_table:
            code = f"import torch\n{code}".replace(
                "preprocess(features)", "preprocess(torch.from_numpy(features))"
            )
        return [*before, *code.splitlines()]
    if export.form == "onnx":
        return [
            *before,
            "import onnxruntime",
            "",
            f"session = onnxruntime.InferenceSession({json.dumps(export.file_name)})",
            f'(logits,) = session.run(["{OUTPUT}"], {{"{name}": {name}}})  # a NumPy array',
        ]
    return [
        *before,
        "import torch",
        "",
        f"model = torch.export.load({json.dumps(export.file_name)}).module()",
        f"logits = model({f'torch.from_numpy({name})' if of_table else name})  # a tensor",
    ]
