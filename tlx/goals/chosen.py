"""The one place that says which goal a task, or a model's card, has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlx.data.task import NumberTarget
from tlx.goals.classification import Classification
from tlx.goals.regression import Regression

if TYPE_CHECKING:
    from tlx.backbones.card import Card
    from tlx.data.task import ImageTask
    from tlx.goals.goal import Goal


def goal_of(task: ImageTask) -> Goal[Any]:
    """Return what a task asks for."""
    return Classification(task.class_names) if task.number is None else Regression(task.number)


def goal_of_card(card: Card) -> Goal[Any]:
    """Return what a model was trained for.

    Args:
        card: Of its file.
    """
    if card.target is None:
        return Classification(card.class_names)
    return Regression(NumberTarget(**card.target))
