from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tests.probes.data import blobs
from tlx.strategies.probes.solved_head import solve_head


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e3])
def test_solve_head_is_scikit_learns_at_the_chosen_penalty(classes: int, scale: float) -> None:
    features, labels = blobs(60, 8, classes)
    val, val_labels = blobs(30, 8, classes, seed=1)
    features, val = features.float() * scale, val.float() * scale
    solved = solve_head(features, labels, val, val_labels, classes, "logistic")
    scaler = StandardScaler().fit(features.numpy())
    c = 1 / solved.point.strength * (2 if classes == 2 else 1)
    reference = LogisticRegression(C=c, tol=1e-9, max_iter=100_000)
    reference.fit(scaler.transform(features.numpy()), labels.numpy())
    expected = reference.predict_proba(scaler.transform(val.numpy()))
    found = torch.softmax(solved.layer(val), dim=1).detach().numpy()
    assert abs(found - expected).max() < 1e-3
    assert (found.argmax(1) == val_labels.numpy()).mean() == pytest.approx(
        solved.point.val_accuracy
    )


@pytest.mark.parametrize("solver", ["logistic", "ridge"])
def test_solve_head_of_a_missing_class_never_favours_it_and_keeps_the_loss_moderate(solver) -> None:
    features, labels = blobs(60, 8, 3)
    features = features.float()
    labels = torch.where(labels == 1, 2, labels)
    solved = solve_head(features, labels, features, labels, 3, solver)
    logits = solved.layer(features).detach()
    assert not (logits.argmax(dim=1) == 1).any()
    smoothed = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    assert smoothed < 2.0
    assert logits[:, 1].min() > -30
