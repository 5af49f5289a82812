"""The one place that says which objective a task, or a model's card, has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlx.data.task import NumberTarget
from tlx.objectives.classification import Classification
from tlx.objectives.regression import Regression

if TYPE_CHECKING:
    from tlx.backbones.weights.card import Card
    from tlx.data.task import Task
    from tlx.objectives.objective import Objective


def objective_of(task: Task) -> Objective[Any]:
    """Return what a task asks for."""
    return Classification(task.class_names) if task.number is None else Regression(task.number)


def objective_of_card(card: Card) -> Objective[Any]:
    """Return what a model was trained for.

    Args:
        card: Of its file.
    """
    if card.target is None:
        return Classification(card.class_names)
    return Regression(NumberTarget(**card.target))
