from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlx.objectives.regression_scores import RegressionScores
from tlx.reports.residual_figure import draw_residuals, residual_figure

TARGETS, PREDICTIONS = [1.0, 2.0, 4.0], [1.5, 2.0, 3.0]
SCORES = RegressionScores(samples=3, r2=0.75, mae=0.5, rmse=0.625)


def test_residuals_are_drawn_where_they_are() -> None:
    figure = draw_residuals(TARGETS, PREDICTIONS, SCORES, "price")
    beside, left_over = figure.axes
    (points,), (residuals,) = beside.collections, left_over.collections
    assert np.asarray(points.get_offsets()).tolist() == [[1.0, 1.5], [2.0, 2.0], [4.0, 3.0]]
    assert np.asarray(residuals.get_offsets()).tolist() == [[1.5, -0.5], [2.0, 0.0], [3.0, 1.0]]
    assert beside.get_xlabel() == "true price"
    legend = beside.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "perfect",
        "R2 0.750, RMSE 0.625",
    ]


def test_residual_figure_of_a_column_that_looks_like_a_formula_is_written(tmp_path: Path) -> None:
    residual_figure(TARGETS, PREDICTIONS, SCORES, "in $1_000$ {", tmp_path / "residuals.png")
    with Image.open(tmp_path / "residuals.png") as image:
        assert image.width > 1500


def test_residuals_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        draw_residuals(TARGETS, PREDICTIONS[:2], SCORES, "price")
