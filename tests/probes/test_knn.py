from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from tests.probes.data import blobs
from tlx.probes.knn import knn_probabilities


@pytest.mark.parametrize("neighbours", [1, 5, 60])
def test_knn_probabilities_equal_scikit_learns_weighted_vote(neighbours: int) -> None:
    train, labels = blobs(60, 7, 3)
    queries = blobs(40, 7, 3, seed=1)[0]
    reference = KNeighborsClassifier(
        neighbours, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07)
    ).fit(train, labels)
    found = knn_probabilities(train, labels, queries, 3, neighbours, batch_size=16)
    np.testing.assert_allclose(found, reference.predict_proba(queries), atol=1e-9)


def test_knn_probabilities_follow_the_temperature() -> None:
    train = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    queries = torch.tensor([[3.0, 4.0]])  # similarities 0.6 and 0.8
    found = knn_probabilities(train, torch.tensor([0, 1]), queries, 2, 2, temperature=0.1)
    assert float(found[0, 1]) == pytest.approx(1 / (1 + math.exp(-2)), abs=1e-6)


def test_knn_probabilities_do_not_depend_on_the_batch_or_the_length_of_features() -> None:
    train, labels = blobs(30, 7, 3)
    queries = blobs(10, 7, 3, seed=1)[0]
    whole = knn_probabilities(train, labels, queries, 3, 4)
    parts = knn_probabilities(train * 7, labels, queries / 9, 3, 4, batch_size=3)
    np.testing.assert_allclose(whole, parts, atol=1e-12)


def test_knn_probabilities_of_classes_without_an_image_are_zero() -> None:
    train, labels = blobs(30, 7, 3)
    found = knn_probabilities(train, labels * 2, train, 6, 4)
    assert found[:, [1, 3, 5]].abs().max() == 0
    np.testing.assert_allclose(found.sum(dim=1), 1.0, atol=1e-12)


def test_knn_probabilities_of_a_feature_vector_of_zeros_are_finite() -> None:
    train, labels = blobs(6, 4, 2)
    found = knn_probabilities(train, labels, torch.zeros(1, 4), 2, 6)
    np.testing.assert_allclose(found, [[0.5, 0.5]], atol=1e-12)


@pytest.mark.parametrize("neighbours", [0, 31])
def test_knn_with_more_neighbours_than_images_says_the_bounds(neighbours: int) -> None:
    train, labels = blobs(30, 7, 3)
    said = f"neighbours={neighbours}: there are 30 training examples; choose 1 to 30"
    with pytest.raises(ValueError, match=said):
        knn_probabilities(train, labels, train, 3, neighbours)


def test_knn_with_a_temperature_of_zero_says_so() -> None:
    train, labels = blobs(30, 7, 3)
    with pytest.raises(ValueError, match=r"temperature=0\.0: a positive number is needed"):
        knn_probabilities(train, labels, train, 3, 4, temperature=0.0)
