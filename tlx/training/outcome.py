"""What a finished fit is worth, and its record."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from tlx.backbones.card import LINEAR_HEAD, NEAREST_HEAD, Card, card_markdown, save_model
from tlx.backbones.nearest_head import NearestNeighbourHead
from tlx.data.stored_form import FORM_KEY
from tlx.goals.chosen import goal_of
from tlx.runs.atomic import write_text
from tlx.runs.provenance import package_versions
from tlx.runs.run import WEIGHTS_FILE
from tlx.training.predictions import predict, predict_behind, write_predictions

if TYPE_CHECKING:
    from tlx.activations.serve import Behind
    from tlx.backbones import Backbone
    from tlx.config.plan import Plan
    from tlx.data.task import ImageTask
    from tlx.goals.goal import Scores
    from tlx.runs.run import Run
    from tlx.strategies.transfer_module import TransferModule

CARD_FILE = "MODEL_CARD.md"


def judge(
    backbone: Backbone, task: ImageTask, run: Run, device: str, behind: Behind | None = None
) -> dict[str, Scores]:
    """Score the chosen epoch's weights on the validation and, once, the test images.

    The predictions go into the run's folder.

    Args:
        backbone: Model B.
        task: The target task's images.
        run: The run to record scores and predictions in.
        device: Where to compute.
        behind: Stored activations of these images, and model B's tail.
    """
    goal = goal_of(task)
    scores: dict[str, Scores] = {}
    tables = []
    for name, split in (("val", task.val), ("test", task.test)):
        if behind is None:
            answers = predict(backbone, split, device=device, answers=goal.answers)
        else:
            tail, activations = behind.scoring_tail, behind.scored[name]
            answers = predict_behind(tail, activations, device=device, answers=goal.answers)
        scores[name] = goal.scores(answers, split.labels)
        tables.append(goal.table(name, split, answers))
    write_predictions(run.folder, tables, goal.digits)
    run.result.metrics = {name: score.to_dict() for name, score in scores.items()}
    return scores


def record(
    plan: Plan,
    task: ImageTask,
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
        pictures: Whether to draw; `python -m tlx.evaluate RUN --pictures` does so later.
    """
    card = model_card(plan, task, module, scores, run)
    save_model(run.folder / WEIGHTS_FILE, module.backbone.network, card)
    write_text(run.folder / CARD_FILE, card_markdown(card))
    if pictures:
        goal_of(task).draw(run.folder, scores["test"], run.result.best_epoch)


def model_card(
    plan: Plan, task: ImageTask, module: TransferModule, scores: Mapping[str, Scores], run: Run
) -> Card:
    """Return the card that travels with model B's weights."""
    backbone = module.backbone
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
        score={"split": "test", **goal_of(task).card_scores(scores["test"])},
        command=run.result.command,
        versions=package_versions(),
        head=NEAREST_HEAD if isinstance(backbone.head, NearestNeighbourHead) else LINEAR_HEAD,
    )


def summary(task: ImageTask, scores: Mapping[str, Scores], run: Run, unit: str = "epoch") -> str:
    """Return the lines that end a run: the test scores, the chosen epoch, the folder.

    Args:
        task: The run's task.
        scores: By split.
        run: The run.
        unit: What was chosen among.
    """
    goal = goal_of(task)
    table = goal.written(scores["test"], title="test", encoding=sys.stdout.encoding)
    chosen = f"{unit} {run.result.best_epoch} of {run.result.epochs} ({goal.selection.words})"
    return f"{table.rstrip()}\n{chosen}\nrun folder: {run.folder}"
