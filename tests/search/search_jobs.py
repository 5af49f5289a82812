"""Jobs with an optimum that is known, which Spark's workers import from here."""

from __future__ import annotations

import os
import time
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig


def folder() -> Path:
    return Path(HydraConfig.get().runtime.output_dir)


def hill(cfg: DictConfig) -> float:
    """Highest at x=0.3, y=-1 on the ball: 0."""
    return float(-((cfg.x - 0.3) ** 2) - (cfg.y + 1) ** 2 + cfg.body.offset)


def train(cfg: DictConfig) -> float:
    """Ten epochs whose accuracy grows towards x; those that are bad take long."""
    rows = ["epoch,val_accuracy"]
    for epoch in range(1, 11):
        rows.append(f"{epoch},{cfg.x * epoch / 10}")
        temporary = folder() / ".metrics.csv"
        temporary.write_text("\n".join(rows) + "\n")
        temporary.replace(folder() / "metrics.csv")
        time.sleep(0.02 if cfg.x >= 0.5 else 1.0)
    return float(cfg.x)


def nap(cfg: DictConfig) -> float:
    """Take x seconds; below 0 leave without a word."""
    if cfg.x < 0:
        os._exit(17)
    time.sleep(cfg.x)
    return float(cfg.x)


def seeded(cfg: DictConfig) -> float:
    """Ten epochs whose accuracy grows towards x, a little more or less by the seed."""
    rows = ["epoch,val_accuracy"]
    for epoch in range(1, 11):
        rows.append(f"{epoch},{(cfg.x + 0.05 * (cfg.seed - 1)) * epoch / 10}")
        temporary = folder() / ".metrics.csv"
        temporary.write_text("\n".join(rows) + "\n")
        temporary.replace(folder() / "metrics.csv")
        time.sleep(0.02 if cfg.x >= 0.5 else 1.0)
    return float(cfg.x + 0.05 * (cfg.seed - 1))


def patchy(cfg: DictConfig) -> float:
    """Fail at once with seed 1 of x=2; the other jobs of x=2 would take a minute."""
    if cfg.x == 2 and cfg.seed == 1:
        raise ValueError("one is wrong")
    time.sleep(60 if cfg.x == 2 else 0)
    return float(cfg.x + cfg.seed)
