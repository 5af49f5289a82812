"""`data.folds=K`: one run for each fold, without saying so fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import setup_globals
from omegaconf import OmegaConf

from tlx.config.choices.paths import conf_dir
from tlx.config.typed.quoting import quoted

FOLDS, FOLD, FOLDER = "data.folds", "data.fold", "hydra.sweep.dir"
FEWEST_FOLDS = 2


@dataclass(frozen=True)
class FoldSweep:
    """A sweep over folds.

    Args:
        arguments: The command line that runs it.
        folds: How many folds.
        folder: Where its runs go.
    """

    arguments: list[str]
    folds: int
    folder: Path


def sweep_over_folds(arguments: Sequence[str]) -> FoldSweep | None:
    """Return the sweep that a command line with folds and without a fold asks for.

    Args:
        arguments: All overrides, then all flags.

    Returns:
        None where no folds are asked for, one of them is named, or the configuration is only to be
        shown or a run resumed.
    """
    parsed = get_args_parser().parse_args(list(arguments))
    given = {
        text.partition("=")[0].lstrip("+"): text.partition("=")[2] for text in parsed.overrides
    }
    folds = given.get(FOLDS, "")
    shows_only = any((parsed.cfg, parsed.info, parsed.hydra_help, parsed.shell_completion))
    if shows_only or not folds.isdecimal() or int(folds) < FEWEST_FOLDS:
        return None
    if FOLD in given or given.get("resume", "null") != "null":
        return None
    folder = _folder(given.get(FOLDER))
    rest = [text for text in arguments if text.partition("=")[0].lstrip("+") != FOLDER]
    added = [f"{FOLD}=range({folds})", f"{FOLDER}={quoted(str(folder))}"]
    flags = [] if parsed.multirun else ["--multirun"]
    return FoldSweep([*added, *rest, *flags], int(folds), folder)


def _folder(asked: str | None) -> Path:
    """Return the sweep's folder, in which times stand as they are now.

    Args:
        asked: What was typed for it; None for a new one.
    """
    setup_globals()  # makes `now` known
    conf = OmegaConf.load(conf_dir() / "train.yaml")
    if asked is not None:
        value = OverridesParser.create().parse_override(f"{FOLDER}={asked}").value()
        OmegaConf.update(conf, FOLDER, value)
    return Path(str(OmegaConf.select(conf, FOLDER)))
