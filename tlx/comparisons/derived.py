"""Configurations of single runs, derived from that of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf


def changed(cfg: DictConfig, changes: Mapping[str, Any]) -> DictConfig:
    """Return a run's configuration with changes; a strategy is put in the place of another.

    Args:
        cfg: The configuration of the experiment, which the run's is made from.
        changes: What the run has instead, by group.
    """
    kept = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "experiment"])
    OmegaConf.set_struct(kept, False)  # another strategy has other options
    if "strategy" in changes:
        kept["strategy"] = {}
    merged = OmegaConf.merge(kept, changes)
    assert isinstance(merged, DictConfig)
    return merged


def starting_from(cfg: DictConfig, source: Path | None) -> dict[str, Any]:
    """Return the changes that make a run start from another one.

    Args:
        cfg: The configuration of the experiment.
        source: The folder of the other run; None changes nothing.
    """
    if source is None:
        return {}
    strategy = OmegaConf.to_container(cfg.strategy)
    assert isinstance(strategy, dict)
    if "init" in strategy:
        strategy["init"] = "pretrained"
    weights, preparation = {"weights": str(source)}, {"preparation": str(source)}
    return {"strategy": strategy, "backbone": weights, "data": preparation}
