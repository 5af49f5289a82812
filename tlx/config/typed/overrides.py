"""Check what the user typed, word by word, before Hydra composes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from tlx.config.choices.groups import group_options, option_names
from tlx.config.choices.options import INSTRUCTIONS, instruction_fault, instructions_in
from tlx.config.composition import composed
from tlx.config.typed.misread import misread_faults
from tlx.config.typed.unreadable import file_with_commas, in_shell, unreadable
from tlx.errors import Fault, did_you_mean

HYDRA_GROUPS = ("hydra",)


def parse(arguments: Sequence[str]) -> tuple[list[Override], list[Fault]]:
    """Return the overrides that can be read, and a fault for each that cannot.

    Where quotes alone are missing, what was meant is among the overrides too, so that its value is
    checked and not the default's.
    """
    parser = OverridesParser.create()
    overrides, faults = [], []
    for argument in arguments:
        try:
            overrides.append(parser.parse_override(argument))
        except HydraException:
            word = unreadable(argument, group_options())
            faults += [word.fault] if word.fault is not None else []
            overrides += [word.meant] if word.meant is not None else []
    return overrides, faults


def without_instructions(overrides: Sequence[Override]) -> tuple[list[Override], list[Fault]]:
    """Return the overrides that set values, and a fault for each that says what to make.

    What is Hydra's own (`hydra.callbacks`) is left alone: it is typed, not read from a file.
    """
    good, faults = [], []
    for override in overrides:
        found = [] if override.is_hydra_override() else _instruction_faults(override)
        faults += found
        good += [] if found else [override]
    return good, faults


def _instruction_faults(override: Override) -> list[Fault]:
    key = override.key_or_group
    if INSTRUCTIONS & set(key.split(".")):
        return [instruction_fault(key, _written(override))]
    value = override._value  # its public form makes text of a sweep's values
    values = value.list if isinstance(value, ChoiceSweep) else [value]
    places = [place for one in values for place in instructions_in(one, key)]
    return [instruction_fault(place, _written(override)) for place in dict.fromkeys(places)]


def without_sweeps(overrides: Sequence[Override]) -> tuple[list[Override], list[Fault]]:
    """Return the overrides with one value, and a fault for each with several."""
    single, faults = [], []
    for override in overrides:
        if not override.is_sweep_override():
            single.append(override)
            continue
        remedy = "Add -m to run each of them, or write [a,b] for a list."
        meant = file_with_commas(override)
        if meant is not None:
            single.append(meant)
            remedy = f"A file's name with commas is quoted: {in_shell(meant)}"
        key = override.key_or_group
        faults.append(Fault(key, _written(override), "several values need a sweep", remedy))
    return single, faults


def sift(
    overrides: Sequence[Override], config_dir: Path, config_name: str
) -> tuple[list[Override], list[Fault]]:
    """Return the overrides that name what exists, and a fault for each that does not.

    Args:
        overrides: What the user typed, parsed.
        config_dir: The primary configuration folder.
        config_name: The primary configuration.
    """
    faults = [fault for o in overrides if _is_group(o) for fault in _group_faults(o)]
    wrong_groups = {fault.key for fault in faults}
    # Which keys a group has is unknown while its option is; an experiment may choose any group.
    unsure = set(group_options()) if "experiment" in wrong_groups else wrong_groups
    overrides = [o for o in overrides if o.key_or_group.split(".")[0] not in unsure]
    groups = [_first_value(o) for o in overrides if _is_group(o)]
    cfg = composed(groups, config_dir, config_name)
    overrides, misread = misread_faults(overrides, cfg)
    faults += misread
    known = sorted(_keys(OmegaConf.to_container(cfg)))
    good = []
    for override in overrides:
        found = (
            [] if _is_group(override) or _is_free(override) else _key_faults(override, cfg, known)
        )
        faults += found
        good += [] if found else [override]
    return good, faults


def _is_group(override: Override) -> bool:
    """Return whether an override chooses options; a mapping sets keys of the chosen one."""
    is_mapping = isinstance(override.value(), dict)
    return override.key_or_group in group_options() and not (override.is_delete() or is_mapping)


def _is_free(override: Override) -> bool:
    added = override.is_add() or override.is_force_add() or override.is_delete()
    return added or override.key_or_group.split("/")[0].split(".")[0] in HYDRA_GROUPS


def _group_faults(override: Override) -> Iterator[Fault]:
    group = override.key_or_group
    names = option_names(group)
    for value in values_of(override):
        if value is None:
            yield Fault(group, "null", "null is no option", f"Leave it out, or write ~{group}.")
        elif str(value) not in names:
            reason = f"{group} has no option {str(value)!r}"
            yield Fault(group, value, reason, did_you_mean(str(value), names))


def _key_faults(override: Override, cfg: DictConfig, known: Sequence[str]) -> list[Fault]:
    key = override.key_or_group
    if key in known or _open_parent(key, cfg):
        return []
    reason = "there is no such key"
    return [Fault(key, _written(override), reason, _nearest(key, known))]


def _nearest(key: str, known: Sequence[str]) -> str:
    parent, _, leaf = key.rpartition(".")
    known = [name for name in known if not name.endswith("._target_")]
    same_leaf = [name for name in known if name.rsplit(".", 1)[-1] == leaf]
    if same_leaf:
        return f"Did you mean {same_leaf[0]!r}?"
    owners = [f"{parent}={option}" for option in _options_with(parent, leaf)]
    if owners:
        return f"It is an option of {' and '.join(owners)}."
    siblings = [name for name in known if name.rpartition(".")[0] == parent]
    return did_you_mean(key, siblings or [name for name in known if "." not in name])


def _options_with(group: str, key: str) -> list[str]:
    options = group_options().get(group, ())
    nodes = {option.name: OmegaConf.load(option.path) for option in options}
    return [name for name, node in nodes.items() if key in node]


def _open_parent(key: str, cfg: DictConfig) -> bool:
    parent = OmegaConf.select(cfg, key.rsplit(".", 1)[0]) if "." in key else None
    return isinstance(parent, DictConfig) and len(parent) == 0


def _keys(node: Any, prefix: str = "") -> Iterator[str]:
    for name, value in node.items():
        if not prefix and name == "hydra":
            continue
        yield prefix + name
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{name}.")


def values_of(override: Override) -> list[Any]:
    """Return every value an override stands for: several where it is swept, none for intervals."""
    value: Any = override.value()
    if isinstance(value, Glob):
        groups = group_options()
        key = override.key_or_group
        return list(value.filter(list(option_names(key)))) if key in groups else []
    if override.is_sweep_override():
        return list(override.sweep_string_iterator()) if override.is_discrete_sweep() else []
    return list(value) if isinstance(value, list) else [value]


def _written(override: Override) -> str:
    return str(override.input_line).partition("=")[2]


def _first_value(override: Override) -> str:
    if not override.is_sweep_override():
        return str(override.input_line)
    return f"{override.get_key_element()}={next(iter(values_of(override)), None)}"
