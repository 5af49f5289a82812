"""tlx's log: plain lines on the console, dated lines in the run's folder."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

LOG_FILE = "train.log"


def log_to(folder: Path) -> None:
    """Send tlx's log to the console and append it to a run's file.

    Under Hydra this is not needed, since Hydra sets up the same from its configuration.
    """
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(logging.Formatter("%(message)s"))
    file = logging.FileHandler(folder / LOG_FILE)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console, file], force=True)
