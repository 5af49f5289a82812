"""One way to run every command that takes a configuration."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tlx.config.folds import sweep_over_folds
from tlx.config.help_page import CommandHelp, help_page
from tlx.config.paths import conf_dir
from tlx.config.registration import register
from tlx.config.resumed_sweep import sweep_to_resume
from tlx.errors import ConfigError, TlxError

Job = Callable[[DictConfig], Any]
Resume = Callable[[Path], Any]


def run_command(
    job: Job, command: CommandHelp, *, resume: Resume, defaults: Sequence[str] = ()
) -> None:
    """Run a command under Hydra: help, checks, then the job; errors become messages.

    Args:
        job: What to run with a composed configuration.
        command: What the help page says of it.
        resume: What to run for `resume=RUN` instead.
        defaults: Overrides which the command sets unless the user does.
    """
    arguments = sys.argv[1:]
    if {"--help", "-h"} & set(arguments):
        print(help_page(command), end="")
        return
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra then raises instead of printing
    try:
        sys.argv[1:] = _ordered(sweep_to_resume(arguments), defaults)
        _dispatch(job, resume)
    except (TlxError, HydraException, OmegaConfBaseException, KeyboardInterrupt) as error:
        if "debug=true" in [argument.lower() for argument in arguments]:
            raise
        print(_message(command, error), file=sys.stderr)
        sys.exit(_exit_code(error))


def _exit_code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT  # what shells take for "stopped by Ctrl-C"
    return 2 if isinstance(error, ConfigError) else 1


def _dispatch(job: Job, resume: Resume) -> None:
    register()
    folds = sweep_over_folds(sys.argv[1:])
    if folds is not None:
        sys.argv[1:] = folds.arguments
    arguments = get_args_parser().parse_args()
    folder = _resume_folder(arguments.overrides)
    if folder is not None:
        resume(folder)
        return
    shows_only = (arguments.cfg, arguments.info, arguments.hydra_help, arguments.shell_completion)
    if not any(shows_only):
        from tlx.config.preflight import preflight

        preflight(arguments)
    decorated = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
    decorated(job)()
    if folds is not None:
        from tlx.sweep import report

        report(folds.folder)


def _ordered(arguments: Sequence[str], defaults: Sequence[str]) -> list[str]:
    """Return all overrides, then all flags: Hydra reads overrides in one piece only."""
    overrides = get_args_parser().parse_intermixed_args(arguments).overrides
    flags = [argument for argument in arguments if argument not in overrides]
    given = {override.split("=")[0].lstrip("+~") for override in overrides}
    missing = [default for default in defaults if default.split("=")[0] not in given]
    return [*missing, *overrides, *flags]


def _resume_folder(overrides: Sequence[str]) -> Path | None:
    pairs = [override.lstrip("+~").partition("=") for override in overrides]
    keys = {key: value for key, _, value in pairs}
    folder = keys.pop("resume", None)
    if folder in (None, "null", ""):
        return None
    others = sorted(set(keys) - {"debug", "experiment"})
    if others:
        raise TlxError(
            f"resume={folder} goes on with the run's own configuration, so {', '.join(others)} "
            "cannot be changed. Leave it out, or start a new run from its weights with "
            f"backbone.weights={folder}."
        )
    return Path(str(folder))


def _message(command: CommandHelp, error: BaseException) -> str:
    name = command.name.removeprefix("python -m ")
    if isinstance(error, ConfigError):
        count = len(error.faults)
        head = (
            f"{name}: {count} fault{'s' * (count > 1)} in what you asked for, nothing was started"
        )
        return "\n".join([f"{head}:", *(f"  - {fault}" for fault in error.faults)])
    return f"{name}: {str(error) or 'interrupted'}"
