"""Every check that can be made before a run's folder exists."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from tlx.config.builders import checked_plan, made_experiment
from tlx.config.choices.paths import conf_dir
from tlx.config.composition import composed, without_hydra
from tlx.config.pairing.checked import checked_pairs
from tlx.config.pairing.dimensions import Pairs, dimensions, key_of
from tlx.config.pairing.zip_word import is_zip, unzipped
from tlx.config.typed.overrides import parse, sift, values_of, without_instructions, without_sweeps
from tlx.config.typed.quoting import REFERENCE, in_quotes
from tlx.config.typed.unreadable import OPENING
from tlx.errors import ConfigError, Fault, TlxError
from tlx.runs.links import refuse_links
from tlx.runs.result import RESULT_FILE
from tlx.runs.run import occupied

CONFIGS_CHECKED = 50
"""A sweep's first configurations are checked whole; each job checks its own again."""
REFERENCE_IN_FOLDER = (
    "Hydra takes ${...} in the path of a folder that it writes to for a reference, and would write "
    "elsewhere"
)


def preflight(arguments: argparse.Namespace) -> None:
    """Check what the user asked for: words, options, values, their agreement, the output.

    Args:
        arguments: Hydra's parsed command line.

    Raises:
        ConfigError: With every fault found.
    """
    config_dir = Path(arguments.config_path or conf_dir()).resolve()
    config_name = arguments.config_name or "train"
    extra = _searchpath(arguments.config_dir)
    words, unread = unzipped(arguments.overrides)
    overrides, faults = parse([word for word in words if not is_zip(word)])
    overrides, instructions = without_instructions(overrides)
    multirun = arguments.multirun or _asks(overrides, "hydra.mode", "MULTIRUN")
    overrides, pairs, unpaired = checked_pairs(overrides, _texts, multirun=multirun)
    faults += [*instructions, *unread, *unpaired]
    if not multirun:
        overrides, swept = without_sweeps(overrides)
        faults += swept
    if config_dir == conf_dir() and not extra and not _asks(overrides, "hydra.searchpath"):
        overrides, unknown = sift(overrides, config_dir, config_name)
        faults += unknown
    found = {str(fault): fault for fault in faults}
    known = {key_of(override) for override in overrides}
    pairs = [keys for keys in pairs if known.issuperset(keys)]
    for job in job_overrides(overrides, multirun=multirun, pairs=pairs):
        cfg = composed([*extra, *job], config_dir, config_name)
        found.update({str(f): f for f in _config_faults(cfg, multirun) if not _follows(f, faults)})
    if found:
        raise ConfigError(list(found.values()))


def _follows(fault: Fault, earlier: Sequence[Fault]) -> bool:
    """Return whether a fault is of a list with an open bracket, which was checked as a text."""
    text = str(fault.value)
    unclosed = text.startswith(OPENING)
    return unclosed and any((f.key, str(f.value)) == (fault.key, text) for f in earlier)


def _searchpath(config_dir: str | None) -> list[str]:
    if not config_dir:
        return []
    return [f"hydra.searchpath=[{in_quotes(str(Path(config_dir).resolve()))}]"]


def _asks(overrides: Sequence[Override], key: str, value: str | None = None) -> bool:
    given = [o for o in overrides if o.key_or_group == key]
    return any(value is None or o.get_value_element_as_str() == value for o in given)


def job_overrides(
    overrides: Sequence[Override], *, multirun: bool, pairs: Pairs = ()
) -> list[list[str]]:
    """Return the overrides of the configurations to check.

    In a sweep that is the first configuration, and then each further value of each swept key
    beside the others' first values: a bad value is found without composing every combination.

    Args:
        overrides: What was typed, parsed.
        multirun: Whether it is a sweep.
        pairs: Keys whose values go together.
    """
    paired = {key for keys in pairs for key in keys}
    swept = [o for o in overrides if multirun and (o.is_sweep_override() or key_of(o) in paired)]
    lines = [str(o.input_line) for o in overrides if o not in swept]
    spread = [d for d in dimensions(swept, pairs, _texts) if d]
    jobs = [[*lines, *_joined([d[0] for d in spread])]]
    for place, dimension in enumerate(spread):
        for texts in dimension[1:]:
            chosen = [texts if at == place else d[0] for at, d in enumerate(spread)]
            jobs.append([*lines, *_joined(chosen)])
    return jobs[:CONFIGS_CHECKED]


def _joined(chosen: Sequence[tuple[str, ...]]) -> list[str]:
    return [text for texts in chosen for text in texts]


def _texts(override: Override) -> list[str]:
    """Return what the jobs of a sweep are asked by an override; nothing for an interval."""
    if not override.is_sweep_override():
        return [str(override.input_line)]
    return [f"{override.get_key_element()}={value}" for value in values_of(override)]


def _config_faults(cfg: DictConfig, multirun: bool) -> list[Fault]:
    faults = _output_faults(cfg, multirun)
    try:
        plain = without_hydra(cfg)
        checked_plan(plain)
        experiment = made_experiment(plain)
        faults += experiment.faults(plain) if experiment is not None else []
    except ConfigError as error:
        faults += error.faults
    return faults


def _output_faults(cfg: DictConfig, multirun: bool) -> list[Fault]:
    key = "hydra.sweep.dir" if multirun else "hydra.run.dir"
    folder = Path(OmegaConf.select(cfg, key))
    if REFERENCE in str(folder.absolute()):
        return [Fault(key, folder, REFERENCE_IN_FOLDER, f"Give another folder: {key}=FOLDER.")]
    try:
        for written in (folder, *(_subfolders(folder) if multirun else ())):
            refuse_links(written)
        if not multirun and (folder / RESULT_FILE).exists():
            return [Fault(key, folder, _occupied(folder), "Leave it out for a new folder.")]
        existing = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
        Path(tempfile.mkdtemp(dir=existing)).rmdir()
    except TlxError as error:
        return [Fault(key, folder, str(error).rstrip("."), "Leave it out for a new folder.")]
    except OSError as error:
        reason = f"cannot write there ({error.strerror}: {Path(error.filename).parent})"
        return [Fault(key, folder, reason, f"Give a writable folder: {key}=FOLDER.")]
    return []


def _subfolders(folder: Path) -> list[Path]:
    """Return the folders of a sweep's jobs, which Hydra writes to before they start."""
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _occupied(folder: Path) -> str:
    try:
        return occupied(folder).rstrip(".")
    except TlxError as error:
        return str(error).rstrip(".")
