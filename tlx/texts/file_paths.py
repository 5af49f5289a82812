"""Options that name files and folders, told by their types."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args


@dataclass(frozen=True)
class PathOption:
    """Says of an option's type that its text leads to a file or folder.

    Args:
        is_input: Whether a run reads what is there, so that its record names it whole.
        may_be_name: Whether the text may be a name instead, and is a path only where there is
            such a file.
        shipped: Returns the names of what comes with tlx, which come before paths; `./NAME` is
            a file of one's own.
    """

    is_input: bool = True
    may_be_name: bool = False
    shipped: Callable[[], Collection[str]] = tuple

    def is_path(self, text: str, there: Path) -> bool:
        """Return whether a text means a path.

        Args:
            text: The option's value.
            there: Where it would lead.
        """
        return text not in self.shipped() and (not self.may_be_name or there.exists())


FilePath = Annotated[str, PathOption()]
"""A file or folder that a run reads."""
WorkingFolder = Annotated[str, PathOption(is_input=False)]
"""A folder that a run keeps things in, for itself and for others."""


def path_option(annotation: Any) -> PathOption | None:
    """Return what an option's annotation says of paths, at any depth (`FilePath | None`)."""
    found = [m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, PathOption)]
    inner = (path_option(argument) for argument in get_args(annotation))
    return next(iter([*found, *(option for option in inner if option is not None)]), None)
