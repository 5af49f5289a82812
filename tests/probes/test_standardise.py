from __future__ import annotations

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler

from tests.probes.data import blobs
from tlx.probes.solution import LinearSolution
from tlx.probes.standardise import standardisation


def test_standardisation_equals_scikit_learns_on_other_images() -> None:
    train, other = blobs(50, 8, 3)[0], blobs(20, 8, 3, seed=1)[0]
    expected = StandardScaler().fit(train).transform(other)
    np.testing.assert_allclose(standardisation(train).apply(other), expected, rtol=1e-10)


def test_standardisation_of_a_constant_feature_ignores_it_everywhere() -> None:
    # 0.1 has no exact mean in binary, so the naive deviation is 1e-17 and not 0.
    train = torch.cat([torch.full((7, 1), 0.1, dtype=torch.float64), blobs(7, 1, 2)[0]], dim=1)
    scale = standardisation(train)
    other = torch.tensor([[5.0, 1.0]], dtype=torch.float64)
    assert scale.inverse_deviation[0] == 0
    assert scale.inverse_deviation[1] > 0
    assert scale.apply(other)[0, 0] == 0


def test_fold_gives_the_same_scores_on_raw_features() -> None:
    train, other = blobs(50, 8, 3)[0], blobs(20, 8, 3, seed=1)[0]
    train[:, 2] = 4.0
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 8, generator=generator, dtype=torch.float64)
    solution = LinearSolution(weight, torch.arange(3).double(), penalty=2.0)
    folded = standardisation(train).fold(solution)
    expected = solution.logits(standardisation(train).apply(other))
    np.testing.assert_allclose(folded.logits(other), expected, rtol=1e-10, atol=1e-10)
    assert folded.penalty == 2.0
    assert folded.weight[:, 2].abs().max() == 0
