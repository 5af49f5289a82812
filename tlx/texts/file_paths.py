"""Options that name files and folders, told by their types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, get_args


@dataclass(frozen=True)
class PathOption:
    """Says of an option's type that its text leads to a file or folder.

    Args:
        is_input: Whether a run reads what is there, so that its record names it whole.
        may_be_name: Whether the text may be a name instead, and is a path only where there is
            such a file.
    """

    is_input: bool = True
    may_be_name: bool = False


FilePath = Annotated[str, PathOption()]
"""A file or folder that a run reads."""
WorkingFolder = Annotated[str, PathOption(is_input=False)]
"""A folder that a run keeps things in, for itself and for others."""
FilePathOrName = Annotated[str, PathOption(may_be_name=True)]
"""A file or folder that a run reads, or the name of something that tlx knows."""


def path_option(annotation: Any) -> PathOption | None:
    """Return what an option's annotation says of paths, at any depth (`FilePath | None`)."""
    found = [m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, PathOption)]
    inner = (path_option(argument) for argument in get_args(annotation))
    return next(iter([*found, *(option for option in inner if option is not None)]), None)
