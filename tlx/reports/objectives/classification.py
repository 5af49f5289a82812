"""How a classifier's scores are shown: tables over all and of each class, curves, confusions."""

from __future__ import annotations

from pathlib import Path

from tlx.objectives.classification import Classification
from tlx.objectives.classification_scores import ClassificationScores
from tlx.reports.console import scores_table


def written(
    objective: Classification,  # noqa: ARG001
    scores: ClassificationScores,
    *,
    title: str,
    encoding: str,
) -> str:
    """Return the scores of all images, then of each class, for the console."""
    return scores_table(scores, title=title, encoding=encoding)


def draw(
    objective: Classification,
    folder: Path,
    scores: ClassificationScores,
    best_epoch: int | None,
    split: str,  # noqa: ARG001
) -> list[Path]:
    """Draw a run's learning curves, or a probe's curves over its path, and its confusions."""
    from tlx.reports.figures import confusion_matrix_figure
    from tlx.reports.history_figure import history_figure

    curves = history_figure(folder, best_epoch)
    matrix = folder / "confusion_matrix.png"
    confusion_matrix_figure(scores.confusion_matrix, objective.class_names, matrix)
    return [curves, matrix]
