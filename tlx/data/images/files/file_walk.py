"""All that lies in a folder of images, read once: each file is an image, or left out for a reason.

Training, prediction and whatever else reads a folder of images list it here, so that all see the
same files. Symbolic links are followed, to files and to folders, wherever they lead; one that leads
back up is not, so that no loop of links is walked without end.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from tlx.errors import Fault
from tlx.texts.names import is_utf8, shortened, shown_name

Why = Literal[
    "other_suffix", "hidden", "not_plain", "broken_link", "leads_back_up", "outside_classes"
]
"""Why a file or folder is left out."""
MOST_VISITS: Final = 1000
"""How often one folder is read by different links; more are links that multiply each other."""
SYSTEM_NAMES: Final = frozenset(
    {"$recycle.bin", "@eadir", "__macosx", "__pycache__", "desktop.ini", "ehthumbs.db",
     "lost+found", "system volume information", "thumbs.db"}
)  # fmt: skip
"""What systems and programs put beside images, in lower case; hidden as names with a dot are."""
Place = tuple[int, int]
"""A folder's device and inode, which are the same by whatever path one comes to it."""


@dataclass(frozen=True)
class Walked:
    """What lies in a folder and below; all paths are relative to it, with forward slashes.

    Args:
        root: The folder.
        images: Files whose suffix is that of an image format, sorted.
        folders: Folders that were read, itself left out, sorted.
        left_out: All else, with the reason, in no order. A hidden folder stands for all below it.
        unreadable: Folders that could not be read, with the reason.
        badly_named: Names that are not UTF-8.
        endless: A folder that links lead to too often, where the walk broke off.
    """

    root: Path
    images: tuple[str, ...]
    folders: tuple[str, ...]
    left_out: tuple[tuple[str, Why], ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    badly_named: tuple[str, ...] = ()
    endless: str | None = None

    def faults(self, key: str) -> list[Fault]:
        """Return why not all of the folder can be read.

        Args:
            key: The option that named it.
        """
        faults = []
        if self.endless is not None:
            reason = (
                f"symbolic links lead to {shown_name(self.endless)} more than {MOST_VISITS} times"
            )
            faults.append(Fault(key, self.root, reason, "Remove links that lead to each other."))
        if self.badly_named:
            count, names = len(self.badly_named), list(map(shown_name, self.badly_named))
            reason = f"{count} name{'s are' if count > 1 else ' is'} not UTF-8: {shortened(names)}"
            remedy = "Rename them, with convmv -r -f latin1 -t utf8 --notest FOLDER for example."
            faults.append(Fault(key, self.root, reason, remedy))
        if self.unreadable:
            names = [f"{shown_name(name)} ({why})" for name, why in self.unreadable]
            reason = f"folders that cannot be read: {shortened(names)}"
            remedy = "Make them readable (chmod u+rX), or move them away."
            faults.append(Fault(key, self.root, reason, remedy))
        return faults


@dataclass
class _Found:
    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    left_out: list[tuple[str, Why]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    badly_named: list[str] = field(default_factory=list)
    waiting: list[tuple[str, frozenset[Place]]] = field(default_factory=list)
    visits: Counter[Place] = field(default_factory=Counter)


def walked(root: Path) -> Walked:
    """Return what lies in a folder and below.

    Args:
        root: A folder.
    """
    found = _Found()
    real = Path(os.path.realpath(root))
    above = frozenset(_place(folder) for folder in (real, *real.parents))
    found.waiting.append(("", above))
    endless = None
    while found.waiting and endless is None:
        inner, above = found.waiting.pop()
        endless = _read_folder(root, inner, above, found)
    return Walked(
        root,
        tuple(sorted(found.images)),
        tuple(sorted(found.folders)),
        tuple(found.left_out),
        tuple(sorted(found.unreadable)),
        tuple(sorted(found.badly_named)),
        endless,
    )


def as_on_disk(root: Path, name: str) -> str:
    """Return a path as the disk has it, where its letters are in another Unicode form there.

    Args:
        root: The folder that it starts from.
        name: The path as a table has it; itself, where there is no such file in any form.
    """
    if name.isascii() or (root / name).exists():
        return name
    forms = (unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
    return next((form for form in forms if (root / form).exists()), name)


def is_hidden(name: str) -> bool:
    """Return whether a file's or folder's own name says that it is none of the data."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def suffix_of(name: str) -> str:
    """Return a file's suffix in lower case, with its dot; empty where it has none."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - of a million names, and no Path


def _read_folder(root: Path, inner: str, above: frozenset[Place], found: _Found) -> str | None:
    """Sort a folder's entries; return its name where links lead to it too often."""
    try:
        with os.scandir(root / inner) as entries:
            listed = list(entries)
    except OSError as error:
        found.unreadable.append((inner or ".", error.strerror or str(error)))
        return None
    for entry in listed:
        name = f"{inner}/{entry.name}" if inner else entry.name
        if is_hidden(entry.name):
            found.left_out.append((name, "hidden"))
        elif not is_utf8(entry.name):
            found.badly_named.append(name)
        elif not _is_folder(entry):
            _sort_file(entry, name, found)
        elif _enter(entry, name, above, found) > MOST_VISITS:
            return name
    return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, for example
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _enter(entry: os.DirEntry[str], name: str, above: frozenset[Place], found: _Found) -> int:
    """Let a folder wait to be read unless it is one of those above it; return its visits."""
    try:
        place = _place(entry)
    except OSError as error:
        found.unreadable.append((name, error.strerror or str(error)))
        return 0
    if place in above:
        found.left_out.append((name, "leads_back_up"))
        return 0
    found.folders.append(name)
    found.waiting.append((name, above | {place}))
    found.visits[place] += 1
    return found.visits[place]


def _sort_file(entry: os.DirEntry[str], name: str, found: _Found) -> None:
    from tlx.data.images.files.image_limits import image_suffixes

    if not _is_file(entry):
        found.left_out.append((name, "broken_link" if entry.is_symlink() else "not_plain"))
    elif suffix_of(entry.name) in image_suffixes():
        found.images.append(name)
    else:
        found.left_out.append((name, "other_suffix"))


def _place(folder: Path | os.DirEntry[str]) -> Place:
    found = os.stat(folder)  # noqa: PTH116 - an entry's own keeps no inode on some systems
    return found.st_dev, found.st_ino


def inside_each(folders: Sequence[str]) -> dict[str, list[str]]:
    """Return the names of the folders in each folder, by the path of that folder."""
    inside: dict[str, list[str]] = {}
    for path in folders:
        parent, _, name = path.rpartition("/")
        inside.setdefault(parent, []).append(name)
    return inside
