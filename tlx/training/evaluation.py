"""What a finished fit is worth, and its record."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from tlx.backbones.nearest_head import NearestNeighbourHead
from tlx.backbones.weights.card import LINEAR_HEAD, NEAREST_HEAD, Card, card_markdown, save_model
from tlx.data.images.stored.stored_form import FORM_KEY
from tlx.objectives.chosen import objective_of
from tlx.objectives.predictions import predict, predict_cached, write_predictions
from tlx.reports.objectives import draw, written
from tlx.runs.atomic import write_text
from tlx.runs.provenance import package_versions
from tlx.runs.run import WEIGHTS_FILE

if TYPE_CHECKING:
    from tlx.activations.cached_inputs import CachedInputs
    from tlx.backbones import Backbone
    from tlx.data.task import Task
    from tlx.objectives.objective import Scores
    from tlx.plan.plan import Plan
    from tlx.runs.run import Run
    from tlx.strategies.base import TransferModule

CARD_FILE = "MODEL_CARD.md"
TEST = "test"


def told_split(scores: Mapping[str, Scores]) -> str:
    """Return the split whose scores are told of a model: `test`, or `val` where there is none."""
    return TEST if TEST in scores else "val"


def evaluate(
    backbone: Backbone, task: Task, run: Run, device: str, cached: CachedInputs | None = None
) -> dict[str, Scores]:
    """Score the chosen epoch's weights on the validation and, once, the test images, if any.

    The predictions go into the run's folder.

    Args:
        backbone: Model B.
        task: The target task's images.
        run: The run to record scores and predictions in.
        device: Where to compute.
        cached: Stored activations of these images, and model B's tail.
    """
    objective = objective_of(task)
    scores: dict[str, Scores] = {}
    tables = []
    for name, split in task.scored.items():
        if cached is None:
            predictions = predict(
                backbone, split, device=device, to_predictions=objective.predictions
            )
        else:
            tail, activations = cached.scoring_tail, cached.scored[name]
            predictions = predict_cached(
                tail, activations, device=device, to_predictions=objective.predictions
            )
        scores[name] = objective.scores(predictions, split.labels)
        tables.append(objective.table(name, split, predictions))
    write_predictions(run.folder, tables, objective.digits)
    run.result.metrics = {name: score.to_dict() for name, score in scores.items()}
    return scores


def record(
    plan: Plan,
    task: Task,
    module: TransferModule,
    scores: Mapping[str, Scores],
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
        pictures: Whether to draw, where there are test scores to be drawn;
            `python -m tlx.evaluate RUN --pictures` does so later.
    """
    card = model_card(plan, task, module, scores, run)
    save_model(run.folder / WEIGHTS_FILE, module.backbone.network, card)
    write_text(run.folder / CARD_FILE, card_markdown(card))
    if pictures and TEST in scores:
        draw(objective_of(task), run.folder, scores[TEST], run.result.best_epoch)


def model_card(
    plan: Plan, task: Task, module: TransferModule, scores: Mapping[str, Scores], run: Run
) -> Card:
    """Return the card that travels with model B's weights."""
    backbone, told = module.backbone, told_split(scores)
    data = {**plan.recipe["data"], "fingerprint": task.fingerprint}
    if "form" in task.about:
        data[FORM_KEY] = task.about["form"]
    recipe = {key: value for key, value in plan.recipe.items() if key not in ("data", "logger")}
    return Card(
        name=f"{task.name}_{backbone.name}",
        backbone=backbone.name,
        num_classes=task.outputs,
        class_names=tuple(task.class_names),
        target=None if task.number is None else asdict(task.number),
        preprocess=backbone.preprocess.to_dict(),
        data=data,
        recipe=recipe,
        seed=plan.seed,
        score={"split": told, **objective_of(task).card_scores(scores[told])},
        command=run.result.command,
        versions=package_versions(),
        head=NEAREST_HEAD if isinstance(backbone.head, NearestNeighbourHead) else LINEAR_HEAD,
    )


def summary(task: Task, scores: Mapping[str, Scores], run: Run, unit: str = "epoch") -> str:
    """Return the lines that end a run: the scores, the chosen epoch, the folder.

    Args:
        task: The run's task.
        scores: By split.
        run: The run.
        unit: What was chosen among.
    """
    objective, told = objective_of(task), told_split(scores)
    table = written(objective, scores[told], title=told, encoding=sys.stdout.encoding)
    chosen = f"{unit} {run.result.best_epoch} of {run.result.epochs} ({objective.selection.words})"
    return f"{table.rstrip()}\n{chosen}\nrun folder: {run.folder}"
