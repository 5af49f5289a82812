"""How the scores of each objective are shown: one file per objective, by the objective's name."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol, cast

from tlx.objectives.objective import Objective, Scores


class Presentation(Protocol):
    """A module with these functions."""

    def written(
        self, objective: Objective[Any], scores: Scores, *, title: str, encoding: str
    ) -> str:
        """Return the scores as lines for the console."""

    def draw(
        self,
        objective: Objective[Any],
        folder: Path,
        scores: Scores,
        best_epoch: int | None,
        split: str,
    ) -> list[Path]:
        """Draw a finished run's pictures into its folder, and return the files."""


def written(objective: Objective[Any], scores: Scores, *, title: str, encoding: str) -> str:
    """Return the scores of a split as lines for the console.

    Args:
        objective: What the task asks for.
        scores: Of the split.
        title: The split's name.
        encoding: That of the stream which the lines are written to (`sys.stdout.encoding`).
    """
    return _of(objective).written(objective, scores, title=title, encoding=encoding)


def draw(
    objective: Objective[Any],
    folder: Path,
    scores: Scores,
    best_epoch: int | None,
    split: str = "test",
) -> list[Path]:
    """Draw a finished run's pictures into its folder, and return the files.

    Args:
        objective: What the task asks for.
        folder: The run's folder.
        scores: Of the split.
        best_epoch: The epoch that was kept, counted from 1; None where none was.
        split: `val` or `test`.
    """
    return _of(objective).draw(objective, folder, scores, best_epoch, split)


def _of(objective: Objective[Any]) -> Presentation:
    return cast(Presentation, importlib.import_module(f"{__name__}.{objective.name}"))
