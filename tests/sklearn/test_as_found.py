"""A fit leaves its process as it was, and is silent unless it is asked to speak."""

from __future__ import annotations

import logging
import os
import random
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from tests.sklearn.given import blobs
from tlx.sklearn import TransferClassifier
from tlx.sklearn.as_found import LOGGERS


def state() -> dict[str, Any]:
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),  # type: ignore[union-attr]
        "torch": torch.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.get_deterministic_debug_mode(),
        "levels": [logging.getLogger(name).level for name in LOGGERS],
        "handlers": list(logging.getLogger().handlers),
        "filters": list(warnings.filters),
        "variables": {n: v for n, v in os.environ.items() if n != "PYTEST_CURRENT_TEST"},
    }


def test_fit_and_predict_leave_the_process_as_it_was() -> None:
    rows, labels = blobs()
    TransferClassifier(epochs=1, random_state=0).fit(rows, labels)  # what imports change is done
    torch.set_num_threads(2)
    torch.manual_seed(11)
    before = state()
    model = TransferClassifier(epochs=1, random_state=0).fit(rows, labels)
    model.predict(rows)
    model.transform(rows)
    after = state()
    assert {name for name in before if before[name] != after[name]} == set()


def test_fit_without_a_seed_draws_one_from_numpys_state() -> None:
    rows, labels = blobs()
    found = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        found.append(TransferClassifier(epochs=1).fit(rows, labels).predict_proba(rows))
    assert np.array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])


def test_fit_is_silent_unless_it_is_verbose(capfd: pytest.CaptureFixture[str]) -> None:
    rows, labels = blobs()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TransferClassifier(epochs=2, random_state=0).fit(rows, labels)
    assert capfd.readouterr() == ("", "")
    TransferClassifier(epochs=2, random_state=0, verbose=True).fit(rows, labels)
    said = capfd.readouterr().out
    assert "task B      in_memory, 3 classes" in said
    assert "rows        72 train, 18 val, 0 test" in said
    assert "epoch 2/2" in said
    assert "val, 18 images" in said
