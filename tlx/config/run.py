"""A run from its configuration: begun in a new folder, or gone on with in its own."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig


def train(
    cfg: DictConfig, folder: Path, command: str = "", config_dirs: Sequence[Path] = ()
) -> float:
    """Train as a configuration says, in a folder which holds no run yet.

    Args:
        cfg: The composed configuration, without Hydra's own part.
        folder: The run's folder.
        command: The command line that runs this again, for the record.
        config_dirs: Configuration folders that it was composed from, besides the installed ones
            and those of Hydra's running job.

    Returns:
        The validation accuracy, or R2, of the chosen epoch.

    Raises:
        ConfigError: With every fault of the configuration, before any work.
        TlxError: Where the folder holds a run already, or the training fails.
    """
    from tlx.config.builders import checked_plan
    from tlx.config.stored.record import config_text, say_redacted
    from tlx.runs.run import Run
    from tlx.training.run import execute

    plan = checked_plan(cfg)
    run = Run.start(folder, command, config_text(cfg, config_dirs))
    say_redacted(cfg)
    return execute(plan, run)


def resume(
    folder: Path, given: DictConfig | None = None, config_dirs: Sequence[Path] = ()
) -> float:
    """Go on with an interrupted run, from its last checkpoint and by its own configuration.

    Args:
        folder: The run's folder.
        given: Holds the options whose secrets the run's files do not keep.
        config_dirs: Configuration folders that it was started with, besides the installed ones.
    """
    from tlx.config.builders import checked_plan
    from tlx.config.stored.record import load_config
    from tlx.config.typed.given_again import with_secrets
    from tlx.data.tables.features.preparation import check_reading_kept
    from tlx.reports.log import log_to
    from tlx.runs.run import Run
    from tlx.training.run import execute

    check_reading_kept(folder)
    plan = checked_plan(with_secrets(load_config(folder, config_dirs), folder, given))
    run = Run.resume(folder)
    log_to(folder)
    return execute(plan, run)


def train_words(words: Sequence[str], folder: Path) -> float:
    """Train as a command line says, without being one: checked before any work, and logged.

    Args:
        words: Its overrides, no flags.
        folder: The run's folder.

    Returns:
        The validation accuracy, or R2, of the chosen epoch.

    Raises:
        ConfigError: With every fault of what was asked, before any work.
        TlxError: Where the folder holds a run already, or the training fails.
    """
    from hydra._internal.utils import get_args_parser

    from tlx.config.builders import made_experiment
    from tlx.config.choices.registration import register
    from tlx.config.composition import compose_config
    from tlx.config.preflight import preflight
    from tlx.errors import ConfigError, Fault
    from tlx.reports.log import logged_to

    faults = [
        Fault(word, None, "it is no option", "Give KEY=VALUE, as tlx.train takes it.")
        for word in words
        if word.startswith("-") or "=" not in word
    ]
    if faults:
        raise ConfigError(faults)
    register()
    preflight(get_args_parser().parse_args(list(words)))
    cfg = compose_config(words)
    if made_experiment(cfg) is not None:
        reason = "it is several runs, of which each has a folder of its own"
        raise ConfigError([Fault("experiment", "?", reason, "Use python -m tlx.train.")])
    folder.mkdir(parents=True, exist_ok=True)
    with logged_to(folder):
        return train(cfg, folder, f"python -m tlx.train {shlex.join(words)}")
