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

from tlx.config.choices.paths import conf_dir
from tlx.config.choices.registration import register
from tlx.config.help_page import CommandHelp, help_page
from tlx.config.pairing.zip_word import refuse_unreadable, unzipped, without_zips
from tlx.config.stored.resumed_sweep import sweep_to_resume
from tlx.config.typed.folds import sweep_over_folds
from tlx.config.typed.typed_text import readable
from tlx.errors import ConfigError, TlxError
from tlx.runs.disk import disk_error
from tlx.texts.told import tell, tell_tracebacks_safely

Job = Callable[[DictConfig], Any]
Resume = Callable[..., Any]


def run_command(
    job: Job, command: CommandHelp, *, resume: Resume, defaults: Sequence[str] = ()
) -> None:
    """Run a command under Hydra: help, checks, then the job; errors become messages.

    Args:
        job: What to run with a composed configuration.
        command: What the help page says of it.
        resume: What to run for `resume=RUN` instead: with the folder, with the secrets that were
            given again, if any, and with the configuration folders of `--config-dir`.
        defaults: Overrides which the command sets unless the user does.
    """
    arguments = sys.argv[1:]
    if {"--help", "-h"} & set(arguments):
        print(help_page(command), end="")
        return
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra then raises instead of printing
    try:
        words = unzipped(sweep_to_resume(readable(arguments))).words
        sys.argv[1:] = _ordered(words, defaults)
        _dispatch(job, resume)
    except (TlxError, HydraException, OmegaConfBaseException, KeyboardInterrupt) as error:
        if "debug=true" in [argument.lower() for argument in arguments]:
            tell_tracebacks_safely()
            raise
        _tell(command, error)
        sys.exit(_exit_code(error))
    except OSError as error:  # Hydra's own files, say, on a full disk
        told = disk_error(error, Path(error.filename) if error.filename else None)
        if told is None or "debug=true" in [argument.lower() for argument in arguments]:
            raise
        _tell(command, told)
        sys.exit(_exit_code(told))


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
    extra = [Path(arguments.config_dir).absolute()] if arguments.config_dir else []
    folder, again = _resume_folder(arguments.overrides, extra)
    if folder is not None:
        _go_on(resume, folder, again, extra)
        return
    shows_only = (arguments.cfg, arguments.info, arguments.hydra_help, arguments.shell_completion)
    if any(shows_only):
        refuse_unreadable(arguments.overrides)
        os.environ["COMP_LINE"] = without_zips(os.environ.get("COMP_LINE", ""))
    else:
        from tlx.config.preflight import preflight

        preflight(arguments)
    decorated = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
    decorated(job)()
    if folds is not None:
        from tlx.sweeps.report import report

        report(folds.folder)


def _go_on(resume: Resume, folder: Path, again: Sequence[str], config_dirs: Sequence[Path]) -> None:
    further: dict[str, Any] = {"config_dirs": config_dirs} if config_dirs else {}
    if again:
        from tlx.config.typed.given_again import values_given

        further["given"] = values_given(again)
    resume(folder, **further)


def _ordered(arguments: Sequence[str], defaults: Sequence[str]) -> list[str]:
    """Return all overrides, then all flags: Hydra reads overrides in one piece only."""
    overrides = get_args_parser().parse_intermixed_args(arguments).overrides
    flags = [argument for argument in arguments if argument not in overrides]
    given = {override.split("=")[0].lstrip("+~") for override in overrides}
    missing = [default for default in defaults if default.split("=")[0] not in given]
    return [*missing, *overrides, *flags]


def _resume_folder(
    overrides: Sequence[str], config_dirs: Sequence[Path]
) -> tuple[Path | None, list[str]]:
    """Return the run to go on with, if any, and the options that it needs given again."""
    pairs = [override.lstrip("+~").partition("=") for override in overrides]
    keys = {key: value for key, _, value in pairs}
    folder = keys.pop("resume", None)
    if folder in (None, "null", ""):
        return None, []
    secret = _secret_options(Path(str(folder)), config_dirs)
    others = sorted(set(keys) - {"debug", "experiment", *secret})
    if others:
        raise TlxError(
            f"resume={folder} goes on with the run's own configuration, so {', '.join(others)} "
            "cannot be changed. Leave it out, or start a new run from its weights with "
            f"backbone.weights={folder}."
        )
    again = [text for text in overrides if text.partition("=")[0].lstrip("+~") in secret]
    return Path(str(folder)), again


def _secret_options(folder: Path, config_dirs: Sequence[Path]) -> list[str]:
    from tlx.config.stored.record import load_config
    from tlx.config.typed.given_again import secret_options

    try:
        return secret_options(load_config(folder, config_dirs))
    except TlxError:
        return []  # told where the run is read


def _tell(command: CommandHelp, error: BaseException) -> None:
    name = command.name.removeprefix("python -m ")
    if isinstance(error, ConfigError):
        count = len(error.faults)
        head = (
            f"{name}: {count} fault{'s' * (count > 1)} in what you asked for, nothing was started"
        )
        print("\n".join([f"{head}:", *(f"  - {fault}" for fault in error.faults)]), file=sys.stderr)
        return
    tell(name, error, "interrupted")
