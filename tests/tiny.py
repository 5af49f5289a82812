"""Overrides that make a run small enough for a test, and ways to run one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# A network with dropout and batch norm, without weights of its own, on images of 32 pixels.
TINY = (
    "backbone=mobilenet_v2",
    "backbone.weights=null",
    "backbone.image_size=32",
    "strategy=structure_reuse",
    "strategy.init=scratch",
    "data.train_per_class=5",
    "data.val_per_class=3",
    "data.test_fraction=0.1",
    "trainer.epochs=2",
    "trainer.batch_size=16",
    "trainer.threads=1",
)


def run_tiny(folder: Path, *overrides: str) -> float:
    """Run the main job in this process."""
    from tlx.config.composition import compose_config
    from tlx.train import train

    return train(compose_config([*TINY, *overrides]), folder)


def command(module: str, *arguments: str, cwd: Path, **environment: str) -> Any:
    """Run one of tlx's commands in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment_for_tlx() | environment,
        check=False,
    )


def environment_for_tlx() -> dict[str, str]:
    """Return an environment in which a process started anywhere finds this tlx."""
    root = str(Path(__file__).resolve().parent.parent)
    return os.environ | {"PYTHONPATH": root, "COLUMNS": "100"}


def result_of(folder: Path) -> dict[str, Any]:
    """Return what `result.json` says."""
    content: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return content
