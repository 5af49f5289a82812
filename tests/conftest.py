"""Settings for all tests."""

from __future__ import annotations

import os

# Tests train tiny networks, several at a time: more threads would only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
