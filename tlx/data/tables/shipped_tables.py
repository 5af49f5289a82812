"""The tables that come with tlx, which are named where a path may stand."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Final

from tlx.texts.file_paths import PathOption

SHIPPED_TABLES: Final = Path(__file__).parent / "shipped"


@cache
def shipped_tables() -> tuple[str, ...]:
    """Return the names of the tables that come with tlx, in alphabetical order."""
    return tuple(sorted(path.stem for path in SHIPPED_TABLES.glob("*.csv")))


TablePath = Annotated[str, PathOption(shipped=shipped_tables)]
"""A table's file or the folder of its parts; or the name of a shipped table."""


def table_path(table: str) -> Path:
    """Return the path of a table.

    Args:
        table: The name of a shipped table (`target_curve`), or a path. The name comes first, so
            that it means the same in any folder; a file of your own called so is `./target_curve`.
    """
    return SHIPPED_TABLES / f"{table}.csv" if table in shipped_tables() else Path(table)
