"""Configuration folders of installed packages: how methods from outside tlx become options."""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib import metadata
from pathlib import Path

from tlx.errors import TlxError

ENTRY_POINTS = "tlx.configs"


@cache
def option_folders() -> dict[str, Path]:
    """Return the folder of each installed entry point of the group `tlx.configs`, by its name.

    An entry point names a folder inside a package in dotted form (`mine = "my_package.conf"`).
    Nothing is imported to find it.

    Raises:
        TlxError: Where an entry point names no folder.
    """
    found = sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda one: one.name)
    return {one.name: _folder(one) for one in found}


def _folder(entry: metadata.EntryPoint) -> Path:
    package, *inner = entry.value.strip().split(".")
    spec = importlib.util.find_spec(package)
    places = (spec.submodule_search_locations if spec is not None else None) or ()
    folders = [Path(place, *inner) for place in places]
    folder = next((one for one in folders if one.is_dir()), None)
    if folder is None:
        raise TlxError(
            f"the entry point {entry.name} = {entry.value!r} of the group {ENTRY_POINTS} names no "
            "folder of an installed package. Correct or uninstall its package."
        )
    return folder.absolute()
