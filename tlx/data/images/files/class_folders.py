"""Classes by the names of their folders: one name per class, whatever form its letters have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tlx.data.splitting import SPLIT_NAMES
from tlx.texts.names import composed_form, likeness, shortened, shown_name


@dataclass(frozen=True)
class ClassFolder:
    """A folder that holds the images of a class in a split.

    Args:
        name: The class's name, in Unicode's composed form.
        split: `TRAIN`, `VAL` or `TEST`.
        path: From the data set's root.
    """

    name: str
    split: int
    path: str


def class_folders(
    splits: Sequence[tuple[int, str]], inside: Mapping[str, Sequence[str]]
) -> list[ClassFolder]:
    """Return the folders of all classes, by split and name.

    Args:
        splits: Each split and the path of the folder that holds its classes.
        inside: Names of the folders in each folder, by its path.
    """
    found = [
        ClassFolder(composed_form(name), split, f"{place}/{name}" if place else name)
        for split, place in splits
        for name in inside.get(place, ())
    ]
    return sorted(found, key=lambda folder: (folder.split, folder.name, folder.path))


def twice_named(folders: Sequence[ClassFolder]) -> list[str]:
    """Return the paths of folders of one split whose names are one class's in other forms."""
    seen: dict[tuple[int, str], list[str]] = {}
    for folder in folders:
        seen.setdefault((folder.split, folder.name), []).append(folder.path)
    return [_told_apart(path) for paths in seen.values() if len(paths) > 1 for path in paths]


def name_notices(folders: Sequence[ClassFolder]) -> list[str]:
    """Return what is remarkable about the names of classes, a sentence each."""
    merged = {f.name: _told_apart(f.path) for f in folders if f.path.rpartition("/")[2] != f.name}
    notices = []
    if merged:
        shown = shortened([f"{path} as {shown_name(name)}" for name, path in merged.items()])
        notices.append(f"folders read by the composed form (NFC) of their names: {shown}")
    return notices + likeness_notices([folder.name for folder in folders])


def likeness_notices(names: Sequence[str]) -> list[str]:
    """Return what is remarkable about names of classes that stay apart, a sentence each."""
    known = sorted(set(names))
    groups: dict[str, list[str]] = {}
    for name in known:
        groups.setdefault(likeness(name), []).append(name)
    alike = [" and ".join(map(_quoted, group)) for group in groups.values() if len(group) > 1]
    spaced = [_quoted(name) for name in known if name != name.strip()]
    notices = []
    if alike:
        notices.append(
            "classes whose names differ only in case, spaces or form of letters stay apart: "
            f"{shortened(alike)}"
        )
    if spaced:
        notices.append(f"names of classes start or end with a space: {shortened(spaced)}")
    return notices


def meant_in_training(name: str, trained: Sequence[str]) -> str:
    """Return a hint at the class of training that a name is like, or nothing."""
    like = [other for other in trained if likeness(other) == likeness(name)]
    return f" ({SPLIT_NAMES[0]} has {_quoted(like[0])})" if like else ""


def _quoted(name: str) -> str:
    return f"'{shown_name(name)}'"


def _told_apart(path: str) -> str:
    """Return a path with its accents' code points, by which two forms of it differ to the eye."""
    shown = shown_name(path)
    codes = [f"U+{ord(one):04X}" for one in path.rpartition("/")[2] if not one.isascii()]
    return f"{shown} ({' '.join(codes)})" if codes else shown
