"""What a run prints: its header before the work, its scores after. Plain strings, 100 columns."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from tlx.texts.shown import shown_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tlx.objectives.classification_scores import ClassificationScores, ClassScores
    from tlx.objectives.regression_scores import RegressionScores

WIDTH_COLUMNS = 100
MAX_CLASSES_SHOWN = 40

_ASCII_FORMS = str.maketrans({"─": "-", "…": "~", "±": "+/-"})


@dataclass(frozen=True)
class RunHeader:
    """What is known of a run before its training starts.

    Args:
        backbone: Model A's name (`resnet18`).
        weights: Where model A's weights come from (`torchvision IMAGENET1K_V1`).
        backbone_parameters: Number of model A's parameters.
        task: Task B's name (`digits`).
        classes: Number of task B's classes.
        train_images: Number of images to learn from.
        val_images: Number of images to choose by.
        test_images: Number of images to report on.
        strategy: The strategy in one line (`partial: trains the last 2 of 4 stages and the head`).
        trained_parameters: Number of parameters the optimizer changes.
        total_parameters: Number of parameters of model B.
        device: Where it runs (`cpu`, `cuda:0 (NVIDIA H100)`).
        threads: Number of CPU threads torch computes with.
        precision: Lightning's precision (`32-true`).
        epochs: Number of epochs at most.
        batch_size: Images per step.
        optimizer: The optimizer's name (`adamw`).
        learning_rate: The highest learning rate of the run.
        seed: The seed of the run.
        run_folder: Where its files go.
        trained_by_steps: False where the head is solved for, and epochs mean nothing.
        predicted: What is predicted, where that is no class.
        examples: What the task's examples are.
    """

    backbone: str
    weights: str
    backbone_parameters: int
    task: str
    classes: int
    train_images: int
    val_images: int
    test_images: int
    strategy: str
    trained_parameters: int
    total_parameters: int
    device: str
    threads: int
    precision: str
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    seed: int
    run_folder: str
    trained_by_steps: bool = True
    predicted: str | None = None
    examples: str = "images"


def run_header(header: RunHeader, *, encoding: str = "utf-8", colour: bool = False) -> str:
    """Return the lines that open a run.

    Args:
        header: What to tell.
        encoding: The encoding of the stream it will be written to (`sys.stdout.encoding`).
        colour: Whether to add terminal escapes; only where the stream is a terminal.

    Returns:
        Lines of at most 100 columns, ending in a newline; every character fits the encoding.
    """
    share = 100 * header.trained_parameters / max(header.total_parameters, 1)
    rows = {
        "model A": f"{header.backbone}, {header.weights}, "
        f"{count(header.backbone_parameters)} parameters",
        "task B": f"{header.task}, {_predicted(header)}",
        header.examples: f"{header.train_images:,} train, {header.val_images:,} val, "
        f"{header.test_images:,} test",
        "strategy": header.strategy,
        "parameters": f"{count(header.trained_parameters)} trained of "
        f"{count(header.total_parameters)} ({share:.3g} %)",
        "device": f"{header.device}, {_number(header.threads, 'thread', 'threads')}, "
        f"precision {header.precision}",
        "training": _training(header),
        "run folder": header.run_folder,
    }
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(Text(name), Text(_writable(value, encoding)))
    return _rendered(table, encoding, colour)


def _predicted(header: RunHeader) -> str:
    """Return what is predicted, in words."""
    return header.predicted or _number(header.classes, "class", "classes")


def _training(header: RunHeader) -> str:
    """Return how the run learns, in words."""
    if not header.trained_by_steps:
        return f"none: solved for, seed {header.seed}"
    return (
        f"{_number(header.epochs, 'epoch', 'epochs')}, batch size {header.batch_size}, "
        f"{header.optimizer}, learning rate {header.learning_rate:g}, seed {header.seed}"
    )


def scores_table(
    scores: ClassificationScores,
    *,
    title: str = "test",
    max_classes: int = MAX_CLASSES_SHOWN,
    encoding: str = "utf-8",
    colour: bool = False,
) -> str:
    """Return the scores as two tables: the whole set, then each class.

    Args:
        scores: What to tell.
        title: The name of the split or run the scores belong to.
        max_classes: With more classes than this, only those of the lowest F1 are listed.
        encoding: The encoding of the stream it will be written to (`sys.stdout.encoding`).
        colour: Whether to add terminal escapes; only where the stream is a terminal.

    Returns:
        Lines of at most 100 columns, ending in a newline; every character fits the encoding.
    """
    return _rendered(
        Group(
            _summary(scores, _writable(title, encoding)),
            Text(),
            _per_class(scores.per_class, max_classes, encoding),
        ),
        encoding,
        colour,
    )


def regression_table(
    scores: RegressionScores,
    name: str,
    *,
    title: str = "test",
    encoding: str = "utf-8",
    colour: bool = False,
) -> str:
    """Return the scores of a predicted number as a table.

    Args:
        scores: What to tell.
        name: What the number is called.
        title: The name of the split or run the scores belong to.
        encoding: The encoding of the stream it will be written to (`sys.stdout.encoding`).
        colour: Whether to add terminal escapes; only where the stream is a terminal.

    Returns:
        Lines of at most 100 columns, ending in a newline; every character fits the encoding.
    """
    rows = {"R2": f"{scores.r2:.4f}", "MAE": f"{scores.mae:.5g}", "RMSE": f"{scores.rmse:.5g}"}
    words = f"{title}, {_number(scores.samples, 'row', 'rows')}, {name}"
    return _rendered(_score_table(_writable(words, encoding), rows), encoding, colour)


def count(number: int) -> str:
    """Return a count to three digits: `999`, `1.52 k`, `11.7 M`, `1.20 B` (10^9)."""
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        # What rounds up to 1000 of a unit is told in the next one: 999 999 is 1.00 M.
        if number >= 0.9995 * size and number >= 1000:
            scaled = number / size
            decimals = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{decimals}f} {unit}"
    return str(number)


def _number(number: int, one: str, many: str) -> str:
    """Return the number with its noun."""
    return f"{number} {one if number == 1 else many}"


def _summary(scores: ClassificationScores, title: str) -> Table:
    """Return the table of the scores over all images."""
    rows = {
        "accuracy": scores.accuracy,
        "balanced accuracy": scores.balanced_accuracy,
        "macro precision": scores.macro_precision,
        "macro recall": scores.macro_recall,
        "macro F1": scores.macro_f1,
        "calibration error (ECE)": scores.expected_calibration_error,
        "loss (nats)": scores.loss,
    }
    written = {name: f"{value:.4f}" for name, value in rows.items()}
    return _score_table(f"{title}, {_number(scores.samples, 'image', 'images')}", written)


def _score_table(heading: str, rows: Mapping[str, str]) -> Table:
    """Return a table of named scores."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column(Text(heading), overflow="fold")
    table.add_column("score", justify="right")
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _per_class(
    per_class: tuple[ClassScores, ...], max_classes: int, encoding: str
) -> RenderableType:
    """Return the table of the classes, the worst ones only where they are many."""
    shown = per_class
    note = Text()
    if len(per_class) > max_classes:
        occurring = [one for one in per_class if one.support > 0]
        shown = tuple(sorted(occurring, key=lambda one: one.f1)[:max_classes])
        note = Text(f"the {len(shown)} classes of lowest F1, out of {len(per_class)}")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("class", overflow="fold", max_width=50)
    for name in ("precision", "recall", "F1", "images"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in shown:
        values = (f"{value:.4f}" for value in (one.precision, one.recall, one.f1))
        table.add_row(Text(_writable(one.name, encoding)), *values, str(one.support))
    return Group(table, note) if note else table


def _rendered(renderable: RenderableType, encoding: str, colour: bool) -> str:
    """Return what rich makes of it, at a fixed width, in characters the encoding has."""
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=WIDTH_COLUMNS,
        color_system="standard" if colour else None,
        force_terminal=colour,
        force_jupyter=False,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.print(renderable)
    lines = (line.rstrip() for line in stream.getvalue().rstrip("\n").split("\n"))
    text = "\n".join(lines) + "\n"
    return text if encoding.lower().startswith("utf") else text.translate(_ASCII_FORMS)


def _writable(text: str, encoding: str) -> str:
    """Return text from outside, control characters escaped, in characters the encoding has."""
    return shown_line(text).encode(encoding, errors="backslashreplace").decode(encoding)
