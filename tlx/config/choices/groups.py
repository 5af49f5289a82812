"""What a user may choose: the configuration groups, their options and one line about each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore

from tlx.backbones.names import BUILDER_NAMES
from tlx.config.choices.packages import option_folders
from tlx.config.choices.paths import conf_dir
from tlx.errors import TlxError


@dataclass(frozen=True)
class Option:
    """One choice of a group.

    Args:
        name: What the user writes (`partial`).
        description: The first comment line of its file, or an empty string.
        path: Its file.
    """

    name: str
    description: str
    path: Path


def builder_node(name: str) -> dict[str, Any]:
    """Return what `backbone=<name>` stands for, of a torchvision builder.

    Its weights default to torchvision's best (`DEFAULT`), which is what a transfer starts from.
    """
    return {
        "_target_": "tlx.backbones.source_model.SourceModel",
        "name": name,
        "weights": "DEFAULT",
        "weights_key": None,
        "transforms": None,
        "image_size": None,
    }


def register_builders() -> None:
    """Offer every torchvision builder as `backbone=<name>`, without a file for each."""
    store = ConfigStore.instance()
    for name in BUILDER_NAMES:
        store.store(group="backbone", name=name, node=builder_node(name), provider="torchvision")


@cache
def group_options() -> dict[str, tuple[Option, ...]]:
    """Return every group with the options that have a file, each folder's in alphabetical order.

    The groups are those of `conf/`; installed packages add options to them (`tlx.configs`).

    Raises:
        TlxError: Where a package has an option of a name that is taken.
    """
    folders = sorted(path for path in conf_dir().iterdir() if path.is_dir())
    names = [path.name for path in folders if path.name not in {"hydra", "__pycache__"}]
    return {name: tuple(_options(name)) for name in names}


def options_in(folder: Path, group: str) -> list[Option]:
    """Return the options of a group that a configuration folder has, in alphabetical order."""
    files = sorted((folder / group).glob("*.yaml"))
    return [Option(f.stem, _first_comment(f.read_text("utf-8")), f) for f in files]


def option_names(group: str) -> tuple[str, ...]:
    """Return every name that `group=` takes, torchvision's builders included."""
    names = tuple(option.name for option in group_options()[group])
    return names + BUILDER_NAMES if group == "backbone" else names


def _options(group: str) -> list[Option]:
    found = options_in(conf_dir(), group)
    for package, folder in option_folders().items():
        taken = {option.name for option in found}
        taken |= set(BUILDER_NAMES) if group == "backbone" else set()
        added = options_in(folder, group)
        twice = sorted(option.name for option in added if option.name in taken)
        if twice:
            raise TlxError(
                f"the installed package {package} has {group}={twice[0]}, which is taken. "
                f"Rename {group}/{twice[0]}.yaml there, or uninstall it."
            )
        found += added
    return found


def _first_comment(text: str) -> str:
    for line in text.splitlines():
        if line.startswith("# @"):
            continue
        return line.removeprefix("#").strip() if line.startswith("#") else ""
    return ""
