from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from tlx.optimization.losses import CrossEntropy

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(6, 4, generator=GENERATOR, dtype=torch.float64)
LABELS = torch.tensor([0, 1, 2, 3, 3, 0])


def test_cross_entropy_without_smoothing_is_the_log_loss() -> None:
    probabilities = torch.softmax(LOGITS, dim=1).numpy()
    expected = log_loss(LABELS.numpy(), probabilities, labels=range(4))
    assert float(CrossEntropy()(LOGITS, LABELS)) == pytest.approx(expected)


@pytest.mark.parametrize("smoothing", [0.1, 0.5, 0.99])
def test_cross_entropy_with_smoothing_spreads_its_mass_over_all_classes(smoothing: float) -> None:
    logits = LOGITS.numpy()
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    targets = (1 - smoothing) * np.eye(4)[LABELS.numpy()] + smoothing / 4
    expected = -(targets * log_probabilities).sum(axis=1).mean()
    loss = CrossEntropy(label_smoothing=smoothing)
    assert float(loss(LOGITS, LABELS)) == pytest.approx(expected)
