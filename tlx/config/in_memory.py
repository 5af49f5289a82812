"""A run on examples that a Python program holds, asked for in the words of `tlx.train`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

if TYPE_CHECKING:
    from tlx.data.in_memory.examples import Examples
    from tlx.plan.plan import Plan
    from tlx.runs.result import Result

KEPT = 256
"""Configurations that are kept: folds and refits ask for the same again."""


def plan_in_memory(words: Sequence[str], seed: int, examples: Examples) -> tuple[Plan, DictConfig]:
    """Return what a run on a program's examples is to do, checked, and its configuration.

    Args:
        words: Overrides of `tlx.train`, without seed, data and flags.
        seed: The run's seed.
        examples: What to learn from.

    Raises:
        ConfigError: With every fault of what was asked, before any work.
    """
    from tlx.config.builders import checked_plan

    cfg = _composed(tuple(words)).copy()
    cfg.seed = seed
    return checked_plan(cfg, examples), cfg


def train_in_memory(
    plan: Plan, cfg: DictConfig, folder: Path, *, command: str = "", verbose: bool = False
) -> Result:
    """Train on a program's examples, and return what the run's folder tells.

    Args:
        plan: Of `plan_in_memory`.
        cfg: Its configuration, for the record.
        folder: The run's folder, which holds no run yet.
        command: What asked for the run, for the record.
        verbose: Whether the console shows the run's lines.

    Raises:
        TlxError: Where the folder holds a run already, or the training fails.
    """
    from tlx.config.stored.record import config_text, say_redacted
    from tlx.reports.log import logged_to
    from tlx.runs.run import Run
    from tlx.training.run import execute

    run = Run.start(folder, command, config_text(cfg))
    with logged_to(folder, verbose=verbose):
        say_redacted(cfg)
        execute(plan, run)
    return run.result


@lru_cache(KEPT)
def _composed(words: tuple[str, ...]) -> DictConfig:
    """Return the configuration that words stand for; each word is checked first."""
    from tlx.config.choices.paths import conf_dir
    from tlx.config.choices.registration import register
    from tlx.config.composition import compose_config
    from tlx.config.typed.overrides import parse, sift, without_instructions, without_sweeps
    from tlx.errors import ConfigError

    register()
    overrides, faults = parse([*words, "data=in_memory"])
    overrides, instructions = without_instructions(overrides)
    overrides, swept = without_sweeps(overrides)
    overrides, unknown = sift(overrides, conf_dir(), "train")
    found = [*faults, *instructions, *swept, *unknown]
    if found:
        raise ConfigError(list({str(fault): fault for fault in found}.values()))
    return compose_config([str(override.input_line) for override in overrides])
