"""A path that was typed for an option of a command."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tlx.texts.names import is_utf8, shown_name


def typed_path(text: str) -> Path:
    """Return a typed path; a leading `~`, which shells leave in `--key=~/x`, is the home folder.

    Args:
        text: As it was typed.

    Raises:
        argparse.ArgumentTypeError: Where it is not UTF-8, and could be written into no record.
    """
    if not is_utf8(text):
        raise argparse.ArgumentTypeError(
            f"{shown_name(text)} is not UTF-8, and could be written into no record; rename the "
            "file or folder"
        )
    return Path(os.path.expanduser(text))  # noqa: PTH111 - leaves an unknown user's as it is
