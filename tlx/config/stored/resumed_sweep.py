"""`resume=SWEEP_FOLDER`: the command line of a sweep, once more into its own folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra._internal.utils import get_args_parser

from tlx.config.pairing.zip_word import PAIRS
from tlx.config.stored.arguments import argument_faults
from tlx.config.typed.given_again import refuse_what_is_missing
from tlx.config.typed.quoting import quoted
from tlx.errors import ConfigError, TlxError
from tlx.runs.stored import read_json
from tlx.sweeps.folder import SWEEP_FILE
from tlx.texts.redaction import MARK

_SET_ANEW = ("hydra.sweep.dir", "hydra.mode", "resume", "retry_failed")


def sweep_to_resume(arguments: Sequence[str]) -> list[str]:
    """Return the arguments that go on with a sweep, or those given where they ask for no sweep.

    What is complete in the folder is then left out, and what was stopped goes on. Only options
    of Hydra, `--config-dir` and `retry_failed=true` can be given beside `resume`, and must be the
    options whose secrets the sweep's record does not keep.

    Args:
        arguments: The command line.

    Raises:
        TlxError: Where the sweep's record cannot be read, or other options are given.
        ConfigError: Where the record asks for more than options of tlx and of its sweeps.
    """
    folders = [text.partition("=")[2] for text in arguments if _key(text) == "resume"]
    folder = Path(folders[-1]).absolute() if folders else None
    if folder is None or not (folder / SWEEP_FILE).is_file():
        return list(arguments)
    before = asked_before(folder)
    secret = {_key(text) for text in before if MARK in text}
    parsed = get_args_parser().parse_intermixed_args(list(arguments))
    others = [
        text for text in parsed.overrides if not _may_be_given(text) and _key(text) not in secret
    ]
    if others:
        raise TlxError(
            f"resume={folder} goes on with the sweep as it was asked, so {', '.join(others)} "
            "cannot be changed. Leave it out, or start a new sweep."
        )
    given = [text for text in parsed.overrides if _key(text) not in _SET_ANEW]
    if "retry_failed=true" in [text.lower() for text in arguments]:
        given.append("hydra.launcher.retry_failed=true")
    replaced = {_key(text) for text in given} | set(_SET_ANEW)
    asked = [text for text in before if _key(text) not in replaced]
    refuse_what_is_missing(asked, folder)
    faults = [fault for text in asked for fault in argument_faults(text)]
    if faults:
        raise ConfigError(faults)
    flags = ["--config-dir", parsed.config_dir] if parsed.config_dir else []
    return [*asked, *given, f"hydra.sweep.dir={quoted(str(folder))}", *flags, "-m"]


def asked_before(folder: Path) -> list[str]:
    """Return the overrides that a sweep was started with, as its folder says.

    Raises:
        TlxError: Where its record cannot be read.
    """
    path = folder / SWEEP_FILE
    try:
        return [str(text) for text in read_json(path)["arguments"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise TlxError(
            f"{path} cannot be read ({reason}). Give the sweep's whole command again, with "
            f"hydra.sweep.dir={folder}."
        ) from error


def _may_be_given(text: str) -> bool:
    key = _key(text)
    if key == PAIRS:  # it says which jobs the sweep has
        return False
    return key.startswith(("hydra.", "hydra/")) or key in ("resume", "retry_failed", "debug")


def _key(text: str) -> str:
    return text.partition("=")[0].lstrip("+~")
