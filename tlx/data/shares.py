"""How many of a class's images are trained on, and which are held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tlx.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Positions = NDArray[np.int64]

FEWEST_FOLDS: Final = 2


def held_out_first(order: Positions, folds: int, fold: int) -> tuple[Positions, int]:
    """Return a class's images with those of one fold in front, and how many these are.

    Args:
        order: The images, shuffled.
        folds: Parts of nearly equal size.
        fold: Which one is held out.
    """
    parts = np.array_split(order, folds)
    others = [part for number, part in enumerate(parts) if number != fold]
    return np.concatenate([parts[fold], *others]), len(parts[fold])


def train_size(remaining: int, per_class: int | None, fraction: float | None) -> int:
    """Return how many of a class's remaining images are trained on."""
    if fraction is not None:
        return max(1, round(remaining * fraction))
    return remaining if per_class is None else per_class


def train_faults(
    per_class: int | None, fraction: float | None, example: str = "image"
) -> list[Fault]:
    """Return what is wrong with the size of the training set, whatever the data.

    Args:
        per_class: Training examples per class; None takes all that remain.
        fraction: Share of the remaining examples; None takes all.
        example: What one of them is.
    """
    faults = []
    if per_class is not None and per_class < 1:
        reason = f"there must be at least one training {example} per class"
        remedy = "Use 1 or more, or null for all that remain."
        faults.append(Fault("data.train_per_class", per_class, reason, remedy))
    if fraction is not None and not 0 < fraction <= 1:
        reason = f"the share of {example}s to train on lies above 0 and up to 1"
        remedy = "Use 0.1, for example, or null for all that remain."
        faults.append(Fault("data.train_fraction", fraction, reason, remedy))
    if per_class is not None and fraction is not None:
        reason = f"data.train_per_class={per_class} says how many there are already"
        remedy = "Leave one of them out: data.train_per_class=null."
        faults.append(Fault("data.train_fraction", fraction, reason, remedy))
    return faults


def fold_faults(folds: int | None, fold: int | None) -> list[Fault]:
    """Return what is wrong with a cross-validation, whatever the data."""
    if folds is None:
        if fold is None:
            return []
        return [Fault("data.fold", fold, "there are no folds", "Give data.folds, 5 for example.")]
    if folds < FEWEST_FOLDS:
        return [Fault("data.folds", folds, "cross-validation takes two folds", "Use 2 or more.")]
    if fold is None:
        reason = f"{folds} folds are {folds} runs, each with its own data.fold"
        remedy = (
            f"Run all of them with -m data.folds={folds} 'data.fold=range({folds})', "
            f"or one with data.fold=0 to {folds - 1}."
        )
        return [Fault("data.fold", fold, reason, remedy)]
    if not 0 <= fold < folds:
        remedy = f"Use 0 to {folds - 1}."
        return [Fault("data.fold", fold, f"there are {folds} folds, counted from 0", remedy)]
    return []
