"""Settings for all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

# Tests train tiny networks, several at a time: more threads would only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TLX_CLASS_ARCHIVES"] = ""  # none is made by the way
# A shell starts what runs in the background deaf to Ctrl-C, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def activations_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep activations apart from the user's, and from those of earlier sessions."""
    folder: Path = tmp_path_factory.mktemp("activations")
    os.environ["TLX_ACTIVATIONS"] = str(folder)
