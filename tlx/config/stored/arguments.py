"""Which arguments of a stored sweep are taken: its folder may come from somebody else.

What is not known to be harmless is refused. It may be typed again beside `resume=`, or with the
whole command, since what is typed is the user's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, QuotedString
from hydra.errors import HydraException

from tlx.config.builders import GROUPS
from tlx.config.choices.options import INSTRUCTIONS, instructions_in
from tlx.config.typed.quoting import REFERENCE
from tlx.errors import Fault

Check = Callable[[Any], bool]
"""Whether a value is harmless."""
TASK_KEYS: Final = (*GROUPS, "experiment", "seed", "debug")
LAUNCHERS: Final = ("basic", "spark", "debug")
SWEEPERS: Final = ("tlx", "basic", "optuna")
HARMLESS_SPARK: Final = frozenset(
    {
        "spark.cores.max", "spark.default.parallelism", "spark.driver.cores",
        "spark.driver.memory", "spark.driver.memoryOverhead", "spark.executor.cores",
        "spark.executor.instances", "spark.executor.memory", "spark.executor.memoryOverhead",
        "spark.sql.shuffle.partitions", "spark.task.cpus", "spark.task.maxFailures",
    }
)  # fmt: skip
"""Properties of Spark that name no place, no program and no class."""
_LOCAL_MASTER = re.compile(r"local(\[[\d*]+(,\s*\d+)?\])?|local-cluster\[\d+,\s*\d+,\s*\d+\]")
_SUBFOLDER = re.compile(r"[^/\\]*")
_ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\\$\{")
_TYPE_AGAIN: Final = "Type it again beside resume=SWEEP if you want it."
_WHOLE_COMMAND: Final = "Give the sweep's whole command again, with hydra.sweep.dir=SWEEP."


def argument_faults(text: str) -> list[Fault]:
    """Return why an argument of a stored sweep is not taken; nothing where it is.

    Args:
        text: One override, as `sweep.json` holds it.
    """
    key, _, value = text.partition("=")
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException:
        reason = "sweep.json holds what is no override"
        return [Fault(key, value, reason, _WHOLE_COMMAND)]
    return list(_faults(override))


def _faults(override: Override) -> Iterator[Fault]:
    key, written = override.key_or_group, str(override.input_line).partition("=")[2]
    if override.package is not None:
        reason = "sweep.json may not move an option to another place"
        yield Fault(override.get_key_element(), written, reason, _WHOLE_COMMAND)
    elif any(_fills_in(text) for one in [written, *_all(override)] for text in _strings(one)):
        reason = "sweep.json may not fill in references"
        yield Fault(key, written, reason, _WHOLE_COMMAND)
    elif INSTRUCTIONS & set(key.split(".")) or any(instructions_in(one) for one in _all(override)):
        reason = "sweep.json may not say what to make"
        yield Fault(key, written, reason, _WHOLE_COMMAND)
    elif key.startswith(("hydra.", "hydra/")) or key == "hydra":
        yield from _hydra_faults(key, written, override)
    elif key.split(".")[0] not in TASK_KEYS:
        reason = "sweep.json may only set what tlx's own groups have"
        yield Fault(key, written, reason, _WHOLE_COMMAND)
    elif key in (*GROUPS, "experiment"):
        yield from _choice_faults(key, override)


def _choice_faults(group: str, override: Override) -> Iterator[Fault]:
    """Refuse names that lead out of a group's folder; unknown ones are left to the preflight."""
    for name in (text for value in _all(override) for text in _strings(value)):
        if "/" in name or "\\" in name or name.startswith("."):
            reason = f"sweep.json names no option of {group}"
            yield Fault(group, name, reason, _WHOLE_COMMAND)


def _hydra_faults(key: str, written: str, override: Override) -> Iterator[Fault]:
    plain: Mapping[str, tuple[str, ...]] = {"hydra/launcher": LAUNCHERS, "hydra/sweeper": SWEEPERS}
    value = override.value() if not override.is_sweep_override() else None
    if key in plain:
        if value not in plain[key]:
            reason = f"sweep.json may only choose {', '.join(plain[key])}"
            yield Fault(key, written, reason, _TYPE_AGAIN)
        return
    for place, one in _leaves(key, value):
        check = _check_of(place)
        if check is None:
            yield Fault(place, one, "sweep.json may not set this of Hydra", _TYPE_AGAIN)
        elif not check(one):
            yield Fault(place, one, "sweep.json may not set this value", _TYPE_AGAIN)


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}", inner)
    else:
        yield key, value


def _check_of(key: str) -> Check | None:
    """Return what a value of Hydra's has to pass, or None where none is taken."""
    own = _OWN.get(key)
    if own is not None:
        return own
    if key.startswith("hydra.launcher.conf."):
        return _is_plain if key.removeprefix("hydra.launcher.conf.") in HARMLESS_SPARK else None
    if key.startswith("hydra.sweeper.params."):
        name = key.removeprefix("hydra.sweeper.params.")
        return lambda value: not argument_faults(f"{name}={value}")
    if key.startswith(("hydra.sweeper.sampler_options.", "hydra.sweeper.pruner_options.")):
        return _is_plain
    part, _, name = key.removeprefix("hydra.").partition(".")
    return _is_plain if name in _plain_options().get(part, ()) else None


def _plain_options() -> dict[str, set[str]]:
    """Return the options of launchers and sweepers that name no place, no program and no class."""
    from tlx.search.config import OptunaSweeperConf
    from tlx.spark.config import DebugLauncherConf, SparkLauncherConf

    launcher = {one.name for kind in (DebugLauncherConf, SparkLauncherConf) for one in fields(kind)}
    sweeper = {one.name for one in fields(OptunaSweeperConf)} | {"max_batch_size", "pairs"}
    return {
        "launcher": launcher - {"_target_", "master", "conf", "preload"},
        "sweeper": sweeper - {"_target_", "storage", "params", "sampler_options", "pruner_options"},
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(one) for one in value)
    return value is None or isinstance(value, str | int | float | bool)


_OWN: Final[Mapping[str, Check]] = {
    "hydra.launcher.master": lambda value: bool(_LOCAL_MASTER.fullmatch(str(value))),
    "hydra.launcher.conf": lambda value: value == {},
    "hydra.launcher.preload": lambda value: value in (None, []),
    "hydra.sweeper.storage": lambda value: value is None,
    "hydra.sweeper.params": lambda value: value in (None, {}),
    "hydra.sweeper.sampler_options": lambda value: value == {},
    "hydra.sweeper.pruner_options": lambda value: value == {},
    "hydra.sweep.subdir": lambda value: (
        bool(_SUBFOLDER.fullmatch(str(value))) and str(value) not in ("", ".", "..")
    ),
    "hydra.job.chdir": lambda value: value is None or isinstance(value, bool),
    "hydra.verbose": lambda value: isinstance(value, bool),
}


def _all(override: Override) -> list[Any]:
    value = override._value  # its public form makes text of a sweep's values
    if isinstance(value, ChoiceSweep):
        return list(value.list)
    return [None if override.is_sweep_override() else override.value()]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, QuotedString):
        yield value.text
    elif isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from (*_strings(name), *_strings(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _fills_in(text: str) -> bool:
    return REFERENCE in _ESCAPED.sub("", text)
