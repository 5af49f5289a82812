from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier

from tests.probes.data import blobs
from tlx.probes.ridge import ridge_path

PENALTIES = [2.0**k for k in range(-10, 21, 5)]


@pytest.mark.parametrize(("images", "width"), [(120, 20), (30, 80), (40, 40)])
def test_ridge_path_equals_scikit_learn_at_every_penalty(images: int, width: int) -> None:
    features, labels = blobs(images, width, 4)
    for solution, penalty in zip(
        ridge_path(features, labels, 4, PENALTIES), PENALTIES, strict=True
    ):
        reference = RidgeClassifier(alpha=penalty, solver="svd").fit(features, labels)
        assert solution.penalty == penalty
        expected = reference.decision_function(features)
        np.testing.assert_allclose(solution.logits(features), expected, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(solution.bias, reference.intercept_, rtol=1e-5, atol=1e-7)


def test_ridge_path_of_two_classes_gives_scikit_learns_score_and_its_opposite() -> None:
    features, labels = blobs(50, 6, 2)
    (solution,) = ridge_path(features, labels, 2, [3.0])
    expected = RidgeClassifier(alpha=3.0, solver="svd").fit(features, labels)
    scores = solution.logits(features)
    np.testing.assert_allclose(scores[:, 1], expected.decision_function(features), atol=1e-9)
    np.testing.assert_allclose(scores[:, 0], -scores[:, 1], atol=1e-9)


@pytest.mark.parametrize("width", [5, 60])
def test_ridge_path_solves_the_normal_equations(width: int) -> None:
    features, labels = blobs(40, width, 3)
    features = features / features.std(dim=0)
    for solution in ridge_path(features, labels, 3, [0.1, 10.0]):
        targets = 2.0 * torch.nn.functional.one_hot(labels, 3) - 1.0
        residual = solution.logits(features) - targets
        slope = residual.T @ features + solution.penalty * solution.weight
        assert slope.abs().max() < 1e-9
        assert residual.sum(dim=0).abs().max() < 1e-9


@pytest.mark.parametrize("images", [30, 12])
def test_ridge_path_without_an_image_of_a_class_never_predicts_it(images: int) -> None:
    features, labels = blobs(images, 20, 3)
    labels = labels * 2  # classes 1 and 3 have no image
    queries = blobs(500, 20, 3, spread=9.0, seed=1)[0]
    (solution,) = ridge_path(features, labels, 5, [1.0])
    predicted = solution.logits(queries).argmax(dim=1)
    reference = RidgeClassifier(alpha=1.0, solver="svd").fit(features, labels)
    np.testing.assert_array_equal(predicted, reference.predict(queries))
    assert set(predicted.tolist()) == {0, 2, 4}
    assert solution.logits(queries)[:, 1].tolist() == pytest.approx([-1.0] * 500)


def test_ridge_path_of_constant_features_returns_the_class_shares() -> None:
    labels = torch.tensor([0, 0, 0, 1])
    (solution,) = ridge_path(torch.full((4, 3), 0.1), labels, 2, [1.0])
    assert solution.weight.abs().max() < 1e-12
    assert solution.bias.tolist() == pytest.approx([0.5, -0.5])


def test_ridge_path_of_single_precision_features_with_a_large_offset_is_as_exact() -> None:
    features, labels = blobs(60, 10, 3)
    shifted = (features / features.std(dim=0) + 1000).float()
    (solution,) = ridge_path(shifted, labels, 3, [0.01])
    reference = RidgeClassifier(alpha=0.01, solver="svd").fit(shifted.double(), labels)
    expected = reference.decision_function(shifted.double())
    np.testing.assert_allclose(solution.logits(shifted), expected, atol=1e-7)


@pytest.mark.parametrize(
    ("penalties", "said"),
    [([], r"penalties=\[\]"), ([1.0, 0.0], r"penalties=\[0.0\]"), ([-2.0], r"penalties=\[-2.0\]")],
)
def test_ridge_path_with_unfit_penalties_says_which(penalties: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said + ": positive finite numbers are needed"):
        ridge_path(torch.ones(2, 2), torch.tensor([0, 1]), 2, penalties)
