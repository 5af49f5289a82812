"""A run writes into its own folder: symbolic links there, which lead out of it, are refused."""

from __future__ import annotations

import stat
from pathlib import Path

from tlx.errors import TlxError
from tlx.texts.shown import shown_line

WRITTEN_FOLDERS = ("checkpoints", "tensorboard", ".hydra")


def refuse_links(folder: Path) -> None:
    """Refuse the folder of a run or a sweep where writing would follow a link, or fill a pipe.

    Links that stay within the folder (`best -> 17`) are left alone.

    Args:
        folder: The folder, which need not exist; its own path may hold links.

    Raises:
        TlxError: Where an entry of the folder, or of one that runs write into, is such a link.
    """
    places = (folder, *(folder / name for name in WRITTEN_FOLDERS))
    for place in (place for place in places if place.is_dir()):
        for path in sorted(place.iterdir()):
            if path.is_symlink():
                _refuse_leading_out(path, folder)
            elif stat.S_IFMT(path.stat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
                raise TlxError(
                    f"{shown_line(str(path))} is neither a file nor a folder, and a run would "
                    "write there. Remove it."
                )


def _refuse_leading_out(link: Path, folder: Path) -> None:
    if not link.resolve().is_relative_to(folder.resolve()):
        raise TlxError(
            f"{shown_line(str(link))} is a symbolic link, and what a run writes stays in "
            "its folder. Put the file or folder itself there, or remove the link."
        )
