"""What a finished fit is worth, and its record."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pandas as pd

from tlx.backbones.card import LINEAR_HEAD, NEAREST_HEAD, Card, card_markdown, save_model
from tlx.backbones.nearest_head import NearestNeighbourHead
from tlx.reports.classification import ClassificationScores, classification_scores
from tlx.reports.console import scores_table
from tlx.runs.atomic import write_text
from tlx.runs.provenance import package_versions
from tlx.runs.run import WEIGHTS_FILE
from tlx.training.history import METRICS_FILE
from tlx.training.predictions import (
    predict,
    predict_behind,
    predictions_table,
    write_predictions,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tlx.activations.serve import Behind
    from tlx.backbones import Backbone
    from tlx.config.plan import Plan
    from tlx.data.task import ImageTask
    from tlx.runs.run import Run
    from tlx.strategies.transfer_module import TransferModule

Scores = dict[str, ClassificationScores]
CARD_FILE = "MODEL_CARD.md"


def judge(
    backbone: Backbone, task: ImageTask, run: Run, device: str, behind: Behind | None = None
) -> Scores:
    """Score the chosen epoch's weights on the validation and, once, the test images.

    The predictions go into the run's folder.

    Args:
        backbone: Model B.
        task: The target task's images.
        run: The run to record scores and predictions in.
        device: Where to compute.
        behind: Stored activations of these images, and model B's tail.
    """
    scores, tables = {}, []
    for name, split in (("val", task.val), ("test", task.test)):
        if behind is None:
            probabilities = predict(backbone, split, device=device)
        else:
            tail, activations = behind.scoring_tail, behind.scored[name]
            probabilities = predict_behind(tail, activations, device=device)
        scores[name] = classification_scores(probabilities, split.labels, task.class_names)
        tables.append(predictions_table(name, split, probabilities, task.class_names))
    write_predictions(run.folder, tables)
    run.result.metrics = {name: score.to_dict() for name, score in scores.items()}
    return scores


def record(
    plan: Plan,
    task: ImageTask,
    module: TransferModule,
    scores: Scores,
    run: Run,
    *,
    pictures: bool = True,
) -> None:
    """Write model B with its card, and the pictures.

    Args:
        plan: What the run did.
        task: Its task.
        module: Its strategy, over model B.
        scores: By split.
        run: The run.
        pictures: Whether to draw; `python -m tlx.evaluate RUN --pictures` does so later.
    """
    card = model_card(plan, task, module, scores, run)
    save_model(run.folder / WEIGHTS_FILE, module.backbone.network, card)
    write_text(run.folder / CARD_FILE, card_markdown(card))
    if pictures:
        draw(run.folder, scores["test"], task.class_names, run.result.best_epoch)


def draw(
    folder: Path, scores: ClassificationScores, class_names: Sequence[str], best_epoch: int | None
) -> list[Path]:
    """Draw a run's learning curves, or a probe's curves over its path, and its confusions.

    Args:
        folder: The run's folder, with its history.
        scores: On the test images.
        class_names: One name per class.
        best_epoch: The chosen epoch, or point of the path, counted from 1.

    Returns:
        The files written.
    """
    from tlx.reports.figures import confusion_matrix_figure, learning_curves_figure
    from tlx.reports.path_figure import path_curves_figure

    history = pd.read_csv(folder / METRICS_FILE)
    if "epoch" in history:
        curves = folder / "learning_curves.png"
        learning_curves_figure(history, curves, best_epoch)
    else:
        curves = folder / "path_curves.png"
        path_curves_figure(history, curves, best_epoch or 1)
    matrix = folder / "confusion_matrix.png"
    confusion_matrix_figure(scores.confusion_matrix, class_names, matrix)
    return [curves, matrix]


def model_card(
    plan: Plan, task: ImageTask, module: TransferModule, scores: Scores, run: Run
) -> Card:
    """Return the card that travels with model B's weights."""
    backbone = module.backbone
    data = {**plan.recipe["data"], "fingerprint": task.fingerprint}
    recipe = {key: value for key, value in plan.recipe.items() if key not in ("data", "logger")}
    return Card(
        name=f"{task.name}_{backbone.name}",
        backbone=backbone.name,
        num_classes=len(task.class_names),
        class_names=tuple(task.class_names),
        preprocess=backbone.preprocess.to_dict(),
        data=data,
        recipe=recipe,
        seed=plan.seed,
        score={"split": "test", "accuracy": scores["test"].accuracy, "loss": scores["test"].loss},
        command=run.result.command,
        versions=package_versions(),
        head=NEAREST_HEAD if isinstance(backbone.head, NearestNeighbourHead) else LINEAR_HEAD,
    )


def summary(scores: Scores, run: Run, unit: str = "epoch") -> str:
    """Return the lines that end a run: the test scores, the chosen epoch, the folder.

    Args:
        scores: By split.
        run: The run.
        unit: What was chosen among.
    """
    table = scores_table(scores["test"], title="test", encoding=sys.stdout.encoding)
    chosen = f"{unit} {run.result.best_epoch} of {run.result.epochs} (best validation accuracy)"
    return f"{table.rstrip()}\n{chosen}\nrun folder: {run.folder}"
