"""tlx's log: plain lines on the console, dated lines in the run's folder."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from tlx.texts.log_format import OwnFileHandler, SafeFormatter

LOG_FILE = "train.log"


def log_to(folder: Path) -> None:
    """Send tlx's log to the console and append it to a run's file.

    Under Hydra this is not needed, since Hydra sets up the same from its configuration.
    """
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(SafeFormatter("%(message)s"))
    file = OwnFileHandler(folder / LOG_FILE)
    file.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console, file], force=True)
