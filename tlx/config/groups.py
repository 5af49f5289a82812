"""What a user may choose: the configuration groups, their options and one line about each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from hydra.core.config_store import ConfigStore

from tlx.backbones.names import BUILDER_NAMES
from tlx.config.paths import conf_dir


@dataclass(frozen=True)
class Option:
    """One choice of a group.

    Args:
        name: What the user writes (`partial`).
        description: The first comment line of its file, or an empty string.
    """

    name: str
    description: str


def register_builders() -> None:
    """Offer every torchvision builder as `backbone=<name>`, without a file for each.

    Their weights default to torchvision's best (`DEFAULT`), which is what a transfer starts from.
    """
    store = ConfigStore.instance()
    for name in BUILDER_NAMES:
        node = {
            "_target_": "tlx.backbones.source_model.SourceModel",
            "name": name,
            "weights": "DEFAULT",
            "weights_key": None,
            "transforms": None,
            "image_size": None,
        }
        store.store(group="backbone", name=name, node=node, provider="torchvision")


@cache
def group_options() -> dict[str, tuple[Option, ...]]:
    """Return every group of `conf/` with the options that have a file, in alphabetical order."""
    groups: dict[str, tuple[Option, ...]] = {}
    for folder in sorted(path for path in conf_dir().iterdir() if path.is_dir()):
        if folder.name in {"hydra", "__pycache__"}:
            continue
        files = sorted(folder.glob("*.yaml"))
        groups[folder.name] = tuple(Option(f.stem, _first_comment(f.read_text())) for f in files)
    return groups


def option_names(group: str) -> tuple[str, ...]:
    """Return every name that `group=` takes, torchvision's builders included."""
    names = tuple(option.name for option in group_options()[group])
    return names + BUILDER_NAMES if group == "backbone" else names


def _first_comment(text: str) -> str:
    for line in text.splitlines():
        if line.startswith("# @"):
            continue
        return line.removeprefix("#").strip() if line.startswith("#") else ""
    return ""
