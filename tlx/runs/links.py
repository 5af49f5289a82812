"""A run writes into its own folder: symbolic links there, which lead out of it, are refused."""

from __future__ import annotations

from pathlib import Path

from tlx.errors import TlxError
from tlx.texts.shown import shown_line

WRITTEN_FOLDERS = ("checkpoints", "tensorboard")


def refuse_links(folder: Path) -> None:
    """Refuse a run's folder with a symbolic link in it, which writing would follow.

    Args:
        folder: The run's folder; its own path may hold links.

    Raises:
        TlxError: Where an entry of the folder, or of one that runs write into, is such a link.
    """
    places = (folder, *(folder / name for name in WRITTEN_FOLDERS))
    for place in (place for place in places if place.is_dir()):
        for path in sorted(place.iterdir()):
            if path.is_symlink():
                raise TlxError(
                    f"{shown_line(str(path))} is a symbolic link, and what a run writes stays in "
                    "its folder. Put the file or folder itself there, or remove the link."
                )
