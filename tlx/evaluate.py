"""`python -m tlx.evaluate RUN`: score a run's model again, from its files alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlx.errors import TlxError
from tlx.texts.shown import shown
from tlx.texts.told import tell
from tlx.texts.typed_path import typed_path

if TYPE_CHECKING:
    from tlx.data.task import Task


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tlx.evaluate", description=__doc__)
    parser.add_argument("run", type=typed_path, metavar="RUN", help="the run's folder")
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--pictures", action="store_true", help="draw curves and confusions anew")
    parser.add_argument(
        "--config-dir", type=Path, action="append", default=[], metavar="FOLDER",
        help="the configuration folder that the run was started with, if it was",
    )  # fmt: skip
    parser.add_argument("--debug", action="store_true", help="show the full traceback of an error")
    given = parser.parse_args(arguments)
    try:
        report(given.run, given.split, pictures=given.pictures, config_dirs=given.config_dir)
    except TlxError as error:
        if given.debug:
            raise
        tell("tlx.evaluate", error)
        sys.exit(1)


def report(
    folder: Path, split: str, *, pictures: bool = False, config_dirs: Sequence[Path] = ()
) -> None:
    """Print a run's scores beside the recorded accuracy, and draw its pictures if asked."""
    from tlx.backbones.weights.card import read_card
    from tlx.objectives.chosen import objective_of_card
    from tlx.reports.objectives import draw, written
    from tlx.runs.links import refuse_links
    from tlx.runs.result import read_result
    from tlx.runs.run import WEIGHTS_FILE

    recorded = read_result(folder)
    if recorded.status != "completed":
        raise TlxError(f"{folder} is {recorded.status}; finish it first with resume={folder}.")
    scores = evaluate(folder, split, config_dirs)
    card = read_card(folder / WEIGHTS_FILE)
    assert card is not None, "a run writes its model with a card"
    objective = objective_of_card(card)
    print(written(objective, scores, title=split, encoding=sys.stdout.encoding), end="")
    recorded_score = recorded.metrics[split][objective.returned]
    print(f"recorded by the run: {objective.returned} {recorded_score:.4f}")
    if pictures:
        refuse_links(folder)
        for path in draw(objective, folder, scores, recorded.best_epoch, split):
            print(shown(f"drawn: {path}"))


def evaluate(folder: Path, split: str = "test", config_dirs: Sequence[Path] = ()) -> Any:
    """Return the scores of a run's model on a split of its own task.

    These are `ClassificationScores`, or `RegressionScores` where it predicts a number.

    Args:
        folder: A completed run.
        split: `val` or `test`.
        config_dirs: Configuration folders that it was started with, besides the installed ones.

    Raises:
        TlxError: Where the folder holds no run, or no model.
    """
    from tlx.backbones import build_backbone
    from tlx.config.builders import checked_plan
    from tlx.config.stored.record import load_config
    from tlx.data.tables.features.preparation import PREPARATION_FILE
    from tlx.objectives.chosen import objective_of
    from tlx.objectives.predictions import predict
    from tlx.training.device import choose_compute

    cfg = load_config(folder, config_dirs)
    if (folder / PREPARATION_FILE).is_file():  # the columns are read as they were in the run
        cfg["data"]["preparation"] = str(folder)
    plan = checked_plan(cfg)
    task = plan.data.load()
    _check_target(folder, task)
    backbone = build_backbone(
        plan.source_model.name,
        num_classes=task.outputs,
        weights=str(folder),
        keep_head=True,
    )
    images = getattr(task, split)
    device = choose_compute(plan.trainer).accelerator
    objective = objective_of(task)
    predictions = predict(backbone, images, device=device, to_predictions=objective.predictions)
    return objective.scores(predictions, images.labels)


def _check_target(folder: Path, task: Task) -> None:
    """Check that the data still has the classes, or the number, that the model was trained on.

    Raises:
        TlxError: Where they have changed, so that outputs would be scored by other names or in
            other units.
    """
    from tlx.backbones.weights.card import read_card
    from tlx.runs.run import WEIGHTS_FILE
    from tlx.texts.names import shortened

    path = folder / WEIGHTS_FILE
    card = read_card(path) if path.is_file() else None
    if card is None:
        return
    number = None if task.number is None else asdict(task.number)
    if number != card.target:
        raise TlxError(
            f"the data of {folder} has another target now ({number or 'classes'}) than its model "
            f"was trained on ({card.target or 'classes'}). Restore the data."
        )
    if tuple(card.class_names) == tuple(task.class_names):
        return
    raise TlxError(
        f"the data of {folder} has other classes now ({shortened(task.class_names)}) than its "
        f"model was trained on ({shortened(card.class_names)}). Restore the data, or "
        "label files with python -m tlx.predict."
    )


if __name__ == "__main__":
    main()
