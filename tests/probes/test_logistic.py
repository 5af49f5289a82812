from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from tests.probes.data import blobs
from tlx.probes.logistic import MISSING_CLASS_SCORE, logistic_path

PATH = [1e-4, 1e-2, 1.0, 100.0]


def reference(features: Tensor, labels: Tensor, c: float) -> LogisticRegression:
    """Return scikit-learn's solution over standardised features, to a tight tolerance."""
    model = LogisticRegression(C=c, tol=1e-9, max_iter=100_000)
    return make_pipeline(StandardScaler(), model).fit(features, labels)


@pytest.mark.parametrize(("images", "width"), [(90, 12), (24, 40)])
def test_logistic_path_equals_scikit_learn_at_every_c(images: int, width: int) -> None:
    features, labels = blobs(images, width, 3)
    queries = blobs(30, width, 3, seed=1)[0]
    path = logistic_path(features, labels, 3, PATH, gradient_tolerance=1e-9)
    for solution, c in zip(path, PATH, strict=True):
        expected = reference(features, labels, c).predict_proba(queries)
        found = torch.softmax(solution.logits(queries), dim=1)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
        assert solution.penalty == pytest.approx(1 / c)


def test_logistic_path_of_two_classes_is_scikit_learns_at_twice_c() -> None:
    features, labels = blobs(40, 5, 2)
    for solution, c in zip(logistic_path(features, labels, 2, PATH), PATH, strict=True):
        expected = reference(features, labels, 2 * c).predict_proba(features)
        found = torch.softmax(solution.logits(features), dim=1)
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("width", [6, 50])
def test_logistic_path_is_stationary_to_the_tolerance(width: int) -> None:
    features, labels = blobs(30, width, 3)
    scaled = torch.from_numpy(StandardScaler().fit_transform(features))
    for c, solution in zip(PATH, logistic_path(scaled, labels, 3, PATH), strict=True):
        targets = torch.nn.functional.one_hot(labels, 3)
        excess = (torch.softmax(solution.logits(scaled), dim=1) - targets) / 30
        slope = excess.T @ scaled + solution.weight / (c * 30)
        # In the rotated coordinates no entry exceeds 1e-6; a rotation adds at most sqrt(30).
        assert slope.abs().max() < 6e-6
        assert excess.sum(dim=0).abs().max() < 1.1e-6


def test_logistic_path_in_any_order_gives_each_c_its_own_solution() -> None:
    features, labels = blobs(40, 5, 3)
    mixed = logistic_path(features, labels, 3, [1.0, 0.01, 1.0])
    ordered = logistic_path(features, labels, 3, [0.01, 1.0])
    assert [s.penalty for s in mixed] == [1.0, 100.0, 1.0]
    assert mixed[0].weight.equal(ordered[1].weight)
    assert mixed[1].weight.equal(ordered[0].weight)


@pytest.mark.parametrize("width", [6, 40])
def test_logistic_path_does_not_depend_on_the_features_scale(width: int) -> None:
    features, labels = blobs(30, width, 3)
    scale = torch.logspace(-6, 6, width, dtype=torch.float64)
    plain = logistic_path(features, labels, 3, [0.1], gradient_tolerance=1e-9)[0]
    scaled = logistic_path(features * scale + 5, labels, 3, [0.1], gradient_tolerance=1e-9)[0]
    np.testing.assert_allclose(
        scaled.logits(features * scale + 5), plain.logits(features), atol=1e-6
    )


@pytest.mark.parametrize("width", [6, 50])
def test_logistic_path_without_an_image_of_a_class_equals_scikit_learn_on_the_rest(
    width: int,
) -> None:
    features, labels = blobs(30, width, 3)
    labels = labels * 2  # classes 1 and 3 have no image
    queries = blobs(200, width, 3, spread=6.0, seed=1)[0]
    (solution,) = logistic_path(features, labels, 5, [0.5], gradient_tolerance=1e-9)
    found = torch.softmax(solution.logits(queries), dim=1)
    expected = reference(features, labels, 0.5).predict_proba(queries)
    np.testing.assert_allclose(found[:, [0, 2, 4]], expected, rtol=1e-4, atol=1e-6)
    assert (solution.logits(queries)[:, [1, 3]] == MISSING_CLASS_SCORE).all()
    assert found[:, [1, 3]].max() < 1e-13


def test_logistic_path_of_one_class_alone_always_predicts_it() -> None:
    features = blobs(10, 4, 2)[0]
    (solution,) = logistic_path(features, torch.ones(10).long(), 3, [1.0])
    assert solution.weight.abs().max() == 0
    assert solution.bias.tolist() == [MISSING_CLASS_SCORE, 0.0, MISSING_CLASS_SCORE]


def test_logistic_path_gives_constant_features_no_weight() -> None:
    features, labels = blobs(40, 5, 3)
    constant = torch.full((40, 1), 0.1, dtype=torch.float64)
    widened = torch.cat([constant, features], dim=1)
    (solution,) = logistic_path(widened, labels, 3, [1.0])
    (without,) = logistic_path(features, labels, 3, [1.0])
    assert solution.weight[:, 0].abs().max() == 0
    np.testing.assert_allclose(solution.weight[:, 1:], without.weight, rtol=1e-9)


def test_logistic_path_of_only_constant_features_returns_the_class_shares() -> None:
    labels = torch.tensor([0, 0, 0, 1])
    (solution,) = logistic_path(torch.full((4, 2), 3.0), labels, 2, [1.0])
    shares = torch.softmax(solution.logits(torch.rand(1, 2)), dim=1)
    assert shares[0].tolist() == pytest.approx([0.75, 0.25], abs=1e-5)


def test_logistic_path_that_runs_out_of_steps_warns(caplog: pytest.LogCaptureFixture) -> None:
    features, labels = blobs(90, 12, 3)
    with caplog.at_level(logging.WARNING, logger="tlx"):
        logistic_path(features, labels, 3, [100.0], max_iterations=2)
    assert "logistic regression at C=100 stopped after 2 steps" in caplog.text


def test_logistic_path_with_unfit_c_says_which() -> None:
    with pytest.raises(ValueError, match=r"inverse_penalties=\[0\]: positive finite numbers"):
        logistic_path(torch.ones(2, 2), torch.tensor([0, 1]), 2, [0, 1])
