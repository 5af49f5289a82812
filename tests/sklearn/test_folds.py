"""Folds and grids over frozen stages: every example goes through them once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from torch import Tensor

from tests.sklearn.given import ONE_THREAD, digits, quick
from tlx.activations.request import PrefixRequest
from tlx.sklearn import TransferClassifier

GRID = {"learning_rate": [1e-3, 1e-2, 1e-1]}
FOLDS = 5


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every image that has gone through a prefix on its way to the store, by its bytes."""
    seen: list[bytes] = []
    whole = PrefixRequest.activations

    def counted(self: PrefixRequest, first: int, end: int) -> Tensor:
        seen.extend(one.numpy().tobytes() for one in self.images[first:end])
        return whole(self, first, end)

    monkeypatch.setattr(PrefixRequest, "activations", counted)
    return seen


def searched(*overrides: str, **parameters: Any) -> tuple[Any, Any]:
    images, labels = digits(30)
    words = (*ONE_THREAD, "backbone.weights=null", "backbone.image_size=32", *overrides)
    small = quick(epochs=1, backbone="squeezenet1_1", overrides=words, **parameters)
    search = GridSearchCV(TransferClassifier(**small), GRID, cv=FOLDS)
    return search.fit(images, labels), images


def test_grid_over_folds_sends_each_example_through_the_frozen_stages_once(
    sent: list[bytes], tmp_path: Path
) -> None:
    kept, images = searched(features=tmp_path)
    assert len(sent) == len(set(sent)) == len(images)
    sent.clear()
    plain, _ = searched("activations.mode=off")
    assert sent == []
    for name in (f"split{fold}_test_score" for fold in range(FOLDS)):
        np.testing.assert_allclose(kept.cv_results_[name], plain.cv_results_[name], atol=1e-5)
    found, expected = kept.predict_proba(images), plain.predict_proba(images)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_fits_of_a_process_share_their_features_where_no_folder_is_named(
    sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TLX_ACTIVATIONS", raising=False)
    images, labels = digits(30)
    images = images ^ 1  # no other test has these
    first = TransferClassifier(**quick()).fit(images, labels)
    assert len(sent) == 30
    again = TransferClassifier(**quick(strategy="probe_ridge", epochs=None)).fit(images, labels)
    again.predict(images)
    first.transform(images)
    assert len(sent) == 30


def test_store_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images, labels = digits(24)
    kept = TransferClassifier(**quick(features=tmp_path / "store")).fit(images, labels)
    expected = kept.predict_proba(images)
    other = digits(44)[0][24:]
    (tmp_path / "file").write_text("in the way")
    object.__setattr__(kept.model_.store, "folder", tmp_path / "file")
    found = kept.predict_proba(np.concatenate([images, other]))
    np.testing.assert_allclose(found[:24], expected, atol=1e-5)
    assert "are not stored" in caplog.text
