"""`python -m tlx.evaluate RUN`: score a run's model again, from its files alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlx.errors import TlxError

if TYPE_CHECKING:
    from tlx.reports.classification import ClassificationScores


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tlx.evaluate", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--pictures", action="store_true", help="draw curves and confusions anew")
    parser.add_argument("--debug", action="store_true", help="show the full traceback of an error")
    given = parser.parse_args(arguments)
    try:
        report(given.run, given.split, pictures=given.pictures)
    except TlxError as error:
        if given.debug:
            raise
        print(f"tlx.evaluate: {error}", file=sys.stderr)
        sys.exit(1)


def report(folder: Path, split: str, *, pictures: bool = False) -> None:
    """Print a run's scores beside the recorded accuracy, and draw its pictures if asked."""
    from tlx.reports.console import scores_table
    from tlx.runs.result import read_result

    recorded = read_result(folder)
    if recorded.status != "completed":
        raise TlxError(f"{folder} is {recorded.status}; finish it first with resume={folder}.")
    scores = evaluate(folder, split)
    print(scores_table(scores, title=split, encoding=sys.stdout.encoding), end="")
    print(f"recorded by the run: accuracy {recorded.metrics[split]['accuracy']:.4f}")
    if pictures:
        from tlx.training.outcome import draw

        names = [one["name"] for one in recorded.metrics[split]["per_class"]]
        for path in draw(folder, scores, names, recorded.best_epoch):
            print(f"drawn: {path}")


def evaluate(folder: Path, split: str = "test") -> ClassificationScores:
    """Return the scores of a run's model on a split of its own task.

    Args:
        folder: A completed run.
        split: `val` or `test`.

    Raises:
        TlxError: Where the folder holds no run, or no model.
    """
    from tlx.backbones import build_backbone
    from tlx.config.builders import checked_plan
    from tlx.config.record import load_config
    from tlx.reports.classification import classification_scores
    from tlx.training.device import choose_compute
    from tlx.training.predictions import predict

    plan = checked_plan(load_config(folder))
    task = plan.data.load()
    _check_classes(folder, task.class_names)
    backbone = build_backbone(
        plan.source_model.name,
        num_classes=len(task.class_names),
        weights=str(folder),
        keep_head=True,
    )
    images = getattr(task, split)
    device = choose_compute(plan.trainer).accelerator
    probabilities = predict(backbone, images, device=device)
    return classification_scores(probabilities, images.labels, task.class_names)


def _check_classes(folder: Path, found: Sequence[str]) -> None:
    """Check that the data still has the classes that the model was trained on.

    Raises:
        TlxError: Where they have changed, so that outputs would be scored by other names.
    """
    from tlx.backbones.card import read_card
    from tlx.data.listing import shortened
    from tlx.runs.run import WEIGHTS_FILE

    path = folder / WEIGHTS_FILE
    card = read_card(path) if path.is_file() else None
    if card is None or tuple(card.class_names) == tuple(found):
        return
    raise TlxError(
        f"the data of {folder} has other classes now ({shortened(found)}) than its model was "
        f"trained on ({shortened(card.class_names)}). Restore the data, or label files with "
        "python -m tlx.predict."
    )


if __name__ == "__main__":
    main()
