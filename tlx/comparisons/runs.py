"""The single runs of an experiment: each trained once, and only where it is not complete."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from tlx.comparisons.summary import SCORES
from tlx.config.run import resume, train
from tlx.runs.result import RESULT_FILE, read_result

log = logging.getLogger(__name__)


def run_folder(folder: Path, seed: int, name: str) -> Path:
    """Return the folder of one run.

    Args:
        folder: That of the experiment.
        seed: The run's seed.
        name: What the run is called (`scratch, long`).
    """
    return folder / f"seed-{seed}" / name.replace(", ", "_").replace(" ", "_")


def run_once(config: DictConfig, folder: Path, command: str) -> dict[str, Any]:
    """Train one configuration, or go on with it, or read its result where it is complete.

    Args:
        config: The run's configuration.
        folder: The run's folder.
        command: The command line that does this again, for the record.

    Returns:
        Its epochs, scores on test rows, validation R2 and seconds, as plain numbers.
    """
    with quiet():
        if not (folder / RESULT_FILE).exists():
            train(config, folder, command)
        elif read_result(folder).status != "completed":
            resume(folder)
    result = read_result(folder)
    test = result.metrics["test"]
    log.info("%s: test R2 %.3f", folder, test["r2"])
    return {
        "epochs": result.epochs,
        **{f"test_{name}": test[name] for name in SCORES},
        "val_r2": result.metrics["val"]["r2"],
        "fit_seconds": result.seconds["fit"],
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the lines of single runs off the console."""
    logger = logging.getLogger("tlx")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
