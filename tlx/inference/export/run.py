"""Export a run's model: written, checked against the model, and only then put in place."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from tlx.backbones import build_backbone
from tlx.backbones.mlp.mlp_name import is_mlp
from tlx.backbones.weights.card import Card, read_card
from tlx.data.tables.features.preparation import Preparation, read_preparation
from tlx.errors import TlxError
from tlx.extras import install_command, missing_modules
from tlx.inference.export.check import Agreement, compare, refuse_above
from tlx.inference.export.formats import FORMATS, check_head
from tlx.inference.export.model_card import Export, model_card
from tlx.inference.export.model_inputs import Taken, TakesFeatures, TakesImages
from tlx.inference.export.table_card import preparation_name
from tlx.inference.images import stored_form
from tlx.runs.atomic import atomic_path, write_json, write_text
from tlx.runs.finished import finished_run
from tlx.runs.run import WEIGHTS_FILE
from tlx.texts.bounded import LINE_CHARACTERS, bounded
from tlx.texts.file_names import plain_file_name
from tlx.texts.shown import shown_line

TOLERANCE = 1e-3
log = logging.getLogger("tlx")


@dataclass(frozen=True)
class Exported:
    """A finished export.

    Args:
        path: The model's file.
        card_path: Its model card, in Markdown.
        takes: What it takes, in words.
        agreement: How close it is to the model.
        preparation_path: How a table's rows become its features; None where it takes images.
    """

    path: Path
    card_path: Path
    takes: str
    agreement: Agreement
    preparation_path: Path | None = None


def export_run(
    run: Path,
    form: str,
    output: Path | None = None,
    *,
    size: tuple[int, int] | None = None,
    tolerance: float = TOLERANCE,
    intended_use: str | None = None,
) -> Exported:
    """Write a run's model for other programs, with a model card beside it.

    Beside the model of a table lies its preparation, too, which comes before it.

    Args:
        run: The folder of a completed run.
        form: A name of `FORMATS`.
        output: The file to write; None for one in the run's folder `exports`.
        size: Height and width of the images it shall take; None for the size in which the run's
            images were stored, or the one they are resized to. Rows of a table have none.
        tolerance: Largest difference of logits allowed, as a share of the largest logit.
        intended_use: What the model is for, for the card; None for tlx's own words.

    Raises:
        TlxError: Where the run has no model, the format cannot take it or lacks its packages, or
            the file does not compute what the model does.
    """
    result = finished_run(run)
    _check_packages(form)
    card = read_card(run / WEIGHTS_FILE)
    if card is None:
        raise TlxError(f"{run / WEIGHTS_FILE} has no card: it was not written by tlx.")
    taken, preparation = _taken(run, card, size)
    backbone = build_backbone(card.backbone, num_classes=None, weights=str(run), keep_head=True)
    backbone.eval()
    check_head(form, backbone.head)
    path = output or run / "exports" / f"{_name_of(card)}{FORMATS[form].suffix}"
    _check_path(path, form, run)
    with atomic_path(path) as temporary:
        FORMATS[form].write(backbone, card, taken, temporary)
        agreement = compare(backbone, FORMATS[form].load(temporary), taken)
        refuse_above(agreement, tolerance)
    preparation_path = _write_preparation(path, preparation)
    export = Export(form, path.name, taken, agreement, preparation, intended_use)
    card_path = path.with_name(f"{path.name}.md")
    write_text(card_path, model_card(card, result, export))
    return Exported(path, card_path, taken.words, agreement, preparation_path)


def _name_of(card: Card) -> str:
    """Return the card's name as a file's: what came out of a file is no path."""
    name = plain_file_name(card.name)
    if name != card.name:
        told = shown_line(bounded(card.name, LINE_CHARACTERS))
        log.warning("the model is called %r, which names no plain file; written as %s", told, name)
    return name


def _taken(run: Path, card: Card, size: tuple[int, int] | None) -> tuple[Taken, Preparation | None]:
    """Return what a run's model takes, and how a table becomes that."""
    if not is_mlp(card.backbone):
        height, width = size or _default_size(card)
        return TakesImages(height, width), None
    if size is not None:
        raise TlxError(f"--image-size goes with images, and {run} learned from a table.")
    return TakesFeatures(int(card.preprocess["features"])), read_preparation(run)


def _default_size(card: Card) -> tuple[int, int]:
    form = stored_form(card.data)
    side = form.size if form else int(card.preprocess["resize_size"])
    return side, side


def _write_preparation(path: Path, preparation: Preparation | None) -> Path | None:
    if preparation is None:
        return None
    beside = path.with_name(preparation_name(path.name))
    write_json(beside, preparation.to_dict())
    return beside


def _check_packages(form: str) -> None:
    missing = missing_modules("export") if form == "onnx" else []
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        names = ", ".join(missing)
        raise TlxError(
            f"--format onnx: {names} {verb} not installed. Run {install_command('export')}."
        )


def _check_path(path: Path, form: str, run: Path) -> None:
    """Make the output's folder, and refuse a name that would mislead or overwrite the run."""
    suffix = FORMATS[form].suffix
    if path.suffix != suffix:
        raise TlxError(f"--output {path}: a file of --format {form} ends in {suffix}.")
    if path.resolve() == (run / WEIGHTS_FILE).resolve():
        raise TlxError(f"--output {path} is the run's own model. Name another file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TlxError(f"--output {path} cannot be written: {error}.") from error
