"""Names out of files as names of files: never a path, of any system."""

from __future__ import annotations

import re
from typing import Final

NAME_CHARACTERS: Final = 100
"""Most of a file's name, without its suffix: file systems take 255 bytes."""

_NOT_PLAIN = re.compile(r"[^\w.+\-]", re.ASCII)


def plain_file_name(text: str, otherwise: str = "model") -> str:
    """Return a text as a plain file name: letters, digits, `_`, `.`, `+` and `-`, not hidden.

    Every other character becomes `_`, and a long name loses its middle.

    Args:
        text: A name that came out of a file, or from a folder's or a column's name.
        otherwise: The name where nothing is left.
    """
    name = _NOT_PLAIN.sub("_", text)
    if len(name) > NAME_CHARACTERS:
        half = NAME_CHARACTERS // 2
        name = f"{name[: half - 1]}_{name[-half:]}"
    name = name.lstrip(".-+")
    return name if name.strip("_.") else otherwise
