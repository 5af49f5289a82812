"""The configuration kept in a run's folder, and read back from it.

`config.yaml` names the option chosen of each group and holds its options as plain values. What an
option makes does not stand there: it is looked up in the installed groups when a run is read back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlx.config.builders import GROUPS, LATER_GROUPS, SETTINGS, plain
from tlx.config.choices.groups import option_names
from tlx.config.choices.installed import TARGET, option_making, searched_folders, target_named
from tlx.config.choices.options import instruction_fault
from tlx.config.typed.places import path_options
from tlx.errors import ConfigError, Fault, TlxError, did_you_mean
from tlx.runs.run import CONFIG_FILE
from tlx.runs.stored import DamagedFileError, read_yaml, yaml_text
from tlx.texts.file_paths import PathOption
from tlx.texts.redaction import redact, redacted_now

CHOICES = "choices"
HEAD = "# A run of tlx: the option chosen of each group, and all options as plain values.\n"
log = logging.getLogger("tlx")
GIVE_AGAIN = (
    "Where a configuration folder has it, give the folder again with --config-dir FOLDER; where a "
    "package has it, install that"
)


def config_text(cfg: Mapping[str, Any], config_dirs: Sequence[Path] = ()) -> str:
    """Return a configuration as `config.yaml` keeps it.

    References are filled in, paths of input are made absolute, and secrets are left out.

    Args:
        cfg: The composed configuration.
        config_dirs: Configuration folders that it was composed from, besides the installed ones
            and those of Hydra's running job.

    Raises:
        ConfigError: Where no installed option makes what the configuration asks for.
    """
    content = {k: dict(v) if isinstance(v, dict) else v for k, v in plain(cfg).items()}
    for node in content.values():
        for key, option in path_options(node).items():
            # Found from any folder later.
            if option.is_input and key in node:
                node[key] = _absolute(node[key], option)
    folders = (*config_dirs, *searched_folders())
    names = {group: option_making(group, content[group], folders) for group in _groups_of(content)}
    faults = [_unnamed(group, content[group]) for group, name in names.items() if name is None]
    if faults:
        raise ConfigError(faults)
    values = {key: _values(node) if key in GROUPS else node for key, node in content.items()}
    return HEAD + yaml_text({CHOICES: names} | redact(values))


def _absolute(value: Any, option: PathOption) -> Any:
    """Return paths that lead somewhere as absolute ones."""
    if isinstance(value, list | tuple):
        return [_absolute(one, option) for one in value]
    if not isinstance(value, str) or not Path(value).exists():
        return value
    return str(Path(value).absolute()) if option.is_path(value, Path(value)) else value


def say_redacted(cfg: Mapping[str, Any]) -> None:
    """Say which options of a configuration hold secrets that no file of the run has."""
    content = plain(cfg)
    options = redacted_now(content, redact(content))
    if options:
        log.info("left out of the run's files, as secrets: %s", ", ".join(options))


def load_config(folder: Path, config_dirs: Sequence[Path] = ()) -> dict[str, Any]:
    """Return the configuration of a run, of plain values which are final.

    Args:
        folder: The run's folder, whoever made it.
        config_dirs: Configuration folders besides the installed ones, which the user gives again.

    Returns:
        For each group what the installed option makes, under `_target_`, and the run's values.

    Raises:
        TlxError: Where the folder holds none, or one that cannot be read.
        ConfigError: Where it names what no installed group defines.
    """
    content = _content(folder)
    given = (*config_dirs, *searched_folders())
    choices = content.pop(CHOICES, None)
    if choices is None:
        choices = _choices_of_an_earlier_version(content, given)
    if not isinstance(choices, dict):
        raise DamagedFileError(folder / CONFIG_FILE, f"its {CHOICES} are no mapping")
    faults = list(_faults(content, choices, given))
    if faults:
        raise ConfigError(faults)
    nodes = {
        group: {TARGET: target_named(group, choices[group], given)} | content[group]
        for group in _groups_of(content)
    }
    return content | nodes


def _content(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    try:
        content = read_yaml(path)
    except (FileNotFoundError, NotADirectoryError):
        raise TlxError(f"{folder} is not the folder of a run: it has no {CONFIG_FILE}.") from None
    except OSError as error:
        raise DamagedFileError(path, error.strerror or str(error)) from error
    if not isinstance(content, dict):
        raise DamagedFileError(path, "it holds no configuration")
    return content


def _choices_of_an_earlier_version(content: dict[str, Any], given: Sequence[Path]) -> Any:
    """Return the options by what they make, which earlier versions kept; it is only compared."""
    choices = {}
    for group in _groups_of(content):
        choices[group] = option_making(group, content[group], given)
        if choices[group] is not None:
            content[group] = _values(content[group])
    return choices


def _faults(
    content: Mapping[str, Any], choices: Mapping[str, Any], given: Sequence[Path]
) -> Iterator[Fault]:
    known = (*GROUPS, *SETTINGS)
    for key, value in content.items():
        if key not in known:
            reason = "a run has no such group or setting"
            yield Fault(str(key), value, reason, did_you_mean(str(key), known))
        elif key in GROUPS and not isinstance(value, dict):
            yield Fault(key, value, "needs options by name", "Restore the file.")
        elif key in GROUPS and not all(isinstance(name, str) for name in value):
            yield Fault(key, value, "an option's name is a word", "Restore the file.")
    for group in GROUPS:
        if group in _groups_of(content):
            yield from _group_faults(group, content[group], choices.get(group), given)
        elif group not in content and group not in LATER_GROUPS:
            yield Fault(group, None, "the run's file has no such group", "Restore the file.")
    for group in choices:
        if group not in GROUPS:
            remedy = did_you_mean(str(group), GROUPS)
            yield Fault(f"{CHOICES}.{group}", choices[group], "there is no such group", remedy)


def _group_faults(
    group: str, node: Mapping[str, Any], name: Any, given: Sequence[Path]
) -> Iterator[Fault]:
    if name is None and TARGET in node:
        reason = f"no installed option of {group} makes it"
        yield Fault(f"{group}.{TARGET}", node[TARGET], reason, f"{GIVE_AGAIN}.")
    elif TARGET in node:
        yield instruction_fault(f"{group}.{TARGET}", node[TARGET])
    elif not isinstance(name, str) or target_named(group, name, given) is None:
        reason = f"no installed {group} has this name"
        remedy = f"{GIVE_AGAIN}. {did_you_mean(str(name), option_names(group))}"
        yield Fault(f"{CHOICES}.{group}", name, reason, remedy)


def _unnamed(group: str, node: Mapping[str, Any]) -> Fault:
    reason = f"no installed option of {group} makes it, so that the run could not be read back"
    remedy = "Make it an option; docs/extending.md tells how."
    return Fault(f"{group}.{TARGET}", node.get(TARGET), reason, remedy)


def _groups_of(content: Mapping[str, Any]) -> list[str]:
    return [group for group in GROUPS if isinstance(content.get(group), dict)]


def _values(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != TARGET}
