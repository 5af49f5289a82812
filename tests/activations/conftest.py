from __future__ import annotations

from pathlib import Path

import pytest

from tests.activations.asked import ROWS_PER_PART
from tlx.activations import compute, request, stored
from tlx.activations.store import ActivationStore


@pytest.fixture
def store(tmp_path: Path) -> ActivationStore:
    return ActivationStore(tmp_path / "store")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of four images, so that ten images are three parts."""
    for module in (request, compute):
        monkeypatch.setattr(module, "EVALUATION_BATCH_SIZE", ROWS_PER_PART)
    monkeypatch.setattr(request, "PART_BYTES", 1)
    monkeypatch.setattr(stored, "JOINED_BYTES", 1)
