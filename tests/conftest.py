"""Settings for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Tests train tiny networks, several at a time: more threads would only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def activations_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep activations apart from the user's, and from those of earlier sessions."""
    folder: Path = tmp_path_factory.mktemp("activations")
    os.environ["TLX_ACTIVATIONS"] = str(folder)
