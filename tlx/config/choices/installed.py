"""What the installed groups define: the only place where it is looked up what an option makes.

A run's folder names its options; what they make is found here, in the files of `conf/`, of
installed packages (`tlx.configs`) and of the folders that the user gives by `--config-dir`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from tlx.backbones.names import BUILDER_NAMES
from tlx.config.choices.groups import builder_node, group_options, options_in
from tlx.runs.stored import DamagedFileError, read_yaml

TARGET = "_target_"
DEFAULTS = "defaults"


def target_named(group: str, name: str, folders: Sequence[Path] = ()) -> str | None:
    """Return what an option makes, as its dotted name; None where there is no such option.

    Args:
        group: `loss`.
        name: `cross_entropy`.
        folders: Configuration folders besides the installed ones.
    """
    node = _nodes(group, tuple(folders)).get(name, {})
    target = node.get(TARGET)
    return target if isinstance(target, str) else None


def option_making(group: str, node: Mapping[str, Any], folders: Sequence[Path] = ()) -> str | None:
    """Return the name of the option that makes what a node asks for.

    Where several make the same (`activations=on` and `off`, which differ in a value only), it is
    the one with most of the node's values; they could stand for each other, as a run's folder
    keeps all values beside the name.

    Args:
        group: `loss`.
        node: `_target_` and options.
        folders: Configuration folders besides the installed ones.

    Returns:
        None where no option makes it.
    """
    alike: dict[str, int] = {}
    for name, own in _nodes(group, tuple(folders)).items():
        if own.get(TARGET) is not None and _is_same(str(own[TARGET]), str(node.get(TARGET))):
            alike[name] = sum(key in own and own[key] == value for key, value in node.items())
    return max(alike, key=lambda name: alike[name], default=None)


def _is_same(installed: str, stored: str) -> bool:
    """Return whether two dotted names mean the same; those of tlx do wherever they have moved."""
    if installed == stored:
        return True
    own = installed.startswith("tlx.") and stored.startswith("tlx.")
    return own and installed.rpartition(".")[2] == stored.rpartition(".")[2]


def searched_folders() -> tuple[Path, ...]:
    """Return the folders that the running job's command line has added to Hydra's search path."""
    if not HydraConfig.initialized():
        return ()
    sources = OmegaConf.to_container(HydraConfig.get().runtime.config_sources, resolve=False)
    assert isinstance(sources, list)
    own = [one for one in sources if one["schema"] == "file" and one["provider"] != "main"]
    return tuple(Path(one["path"]) for one in own)


def _nodes(group: str, folders: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Return every option's values by name; of a name that is there twice, the first."""
    nodes = dict(_installed_nodes(group))
    for folder in folders:
        for option in options_in(folder, group):
            nodes.setdefault(option.name, _values(option.path))
    return nodes


@cache
def _installed_nodes(group: str) -> dict[str, dict[str, Any]]:
    nodes = {option.name: _values(option.path) for option in group_options().get(group, ())}
    builders = BUILDER_NAMES if group == "backbone" else ()
    return nodes | {name: builder_node(name) for name in builders if name not in nodes}


def _values(path: Path, seen: frozenset[Path] = frozenset()) -> dict[str, Any]:
    """Return an option's values, those of options of its group that it starts from included."""
    if path in seen or not path.is_file():
        return {}
    content = _content(path)
    own = {key: value for key, value in content.items() if key != DEFAULTS}
    entries = content.get(DEFAULTS) or []
    names = [entry for entry in entries if isinstance(entry, str) and "/" not in entry]
    values: dict[str, Any] = {}
    for name in names if "_self_" in names else [*names, "_self_"]:
        base = path.with_name(f"{name}.yaml")
        values |= own if name == "_self_" else _values(base, seen | {path})
    return values


def _content(path: Path) -> dict[str, Any]:
    try:
        content = read_yaml(path)
    except DamagedFileError:  # anchors, say, which the user's own files may have
        content = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    return content if isinstance(content, dict) else {}
