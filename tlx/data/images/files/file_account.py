"""Every file of a data set accounted for: how many are used, and why the others are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tlx.data.images.files.file_walk import Walked, suffix_of
from tlx.errors import Fault
from tlx.texts.names import shortened, shown_name

MOST_SUFFIXES: Final = 4
MOST_EXAMPLES: Final = 5
LARGE_SHARE: Final = 0.1
"""Of files that may be images and cannot be read, among these and those that can: a fault."""
SIDE_FILES: Final = frozenset(
    (".bib", ".cfg", ".csv", ".db", ".htm", ".html", ".ini", ".ipynb", ".json", ".jsonl", ".log",
     ".mat", ".md", ".md5", ".npy", ".npz", ".parquet", ".pkl", ".py", ".rst", ".sh", ".sha256",
     ".sqlite", ".toml", ".tsv", ".txt", ".url", ".xlsx", ".xml", ".yaml", ".yml")
)  # fmt: skip
"""Suffixes of what lies beside images and is none."""
SIDE_NAMES: Final = frozenset(
    ("authors", "changelog", "copying", "licence", "license", "makefile", "md5sums", "notice",
     "readme", "sha256sums")
)  # fmt: skip
WORDS: Final = {
    "other_suffix": "of another suffix",
    "hidden": "hidden",
    "not_plain": "not plain files",
    "broken_link": "broken links",
    "leads_back_up": "links that lead back up",
    "outside_classes": "outside of the classes' folders",
    "class_not_chosen": "of classes not chosen",
}
"""What is said of each reason, in this order."""


@dataclass(frozen=True)
class FileAccount:
    """What became of a folder's files.

    Args:
        used: Image files that are read.
        left_out: Names of the others by reason, sorted; a hidden folder counts as one.
        not_chosen: Image files of classes that were not chosen.
    """

    used: int
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_chosen: int = 0

    def choosing(self, used: int) -> FileAccount:
        """Return the account where some of the classes are chosen, with so many images."""
        return replace(self, used=used, not_chosen=self.not_chosen + self.used - used)

    def to_dict(self) -> dict[str, Any]:
        """Return what is left out as plain values: count, examples, and counts of suffixes."""
        record: dict[str, Any] = {}
        for why, names in self._in_order():
            record[why] = {
                "files": len(names),
                "examples": [shown_name(name) for name in names[:MOST_EXAMPLES]],
            }
            if why == "other_suffix":
                record[why]["suffixes"] = _suffixes(names)
        if self.not_chosen:
            record["class_not_chosen"] = {"files": self.not_chosen}
        return record

    def sentence(self, files: str = "image files") -> str:
        """Return all of it in one line.

        Args:
            files: What those are that are used.
        """
        parts = []
        for why, names in self._in_order():
            counts = f" ({_suffix_words(names)})" if why == "other_suffix" else ""
            parts.append(f"{len(names)} {WORDS[why]}{counts}, such as {shown_name(names[0])}")
        if self.not_chosen:
            parts.append(f"{self.not_chosen} {WORDS['class_not_chosen']}")
        left_out = f"left out: {'; '.join(parts)}" if parts else "none left out"
        return f"{self.used} {files} are used, {left_out}"

    def faults(self, key: str, root: Path) -> list[Fault]:
        """Return why too much would be left out: files that may be images, or lead nowhere.

        Args:
            key: The option that named the folder.
            root: The folder.
        """
        return [*self._unread(key, root), *self._unusable(key, root)]

    def _unread(self, key: str, root: Path) -> list[Fault]:
        perhaps = [name for name in self.left_out.get("other_suffix", ()) if _may_be_image(name)]
        if not perhaps or len(perhaps) < LARGE_SHARE * (self.used + self.not_chosen + len(perhaps)):
            return []
        reason = (
            f"{len(perhaps)} of {self.used + self.not_chosen + len(perhaps)} files have the suffix "
            f"of no image format that PIL reads: {_suffix_words(perhaps)}, such as "
            f"{shown_name(perhaps[0])}"
        )
        remedy = (
            "Convert them (.heic to .jpg, for example), give the names the suffix of their "
            f"format, or leave them out with {SKIP}."
        )
        return [Fault(key, root, reason, remedy)]

    def _unusable(self, key: str, root: Path) -> list[Fault]:
        faults = []
        for why in ("broken_link", "not_plain"):
            names = [name for name in self.left_out.get(why, ()) if _is_image(name)]
            if names:
                count = len(names)
                what = WORDS[why] if count > 1 else _ONE[why]
                reason = f"{count} image file{'s are' if count > 1 else ' is'} {what}: " + (
                    shortened([shown_name(name) for name in names])
                )
                remedy = f"Put the files there, or leave them out with {SKIP}."
                faults.append(Fault(key, root, reason, remedy))
        return faults

    def _in_order(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(why, self.left_out[why]) for why in WORDS if self.left_out.get(why)]


SKIP: Final = "data.corrupt=skip"
_ONE: Final = {"broken_link": "a broken link", "not_plain": "no plain file"}


def account_of(walk: Walked, used: int, outside: Sequence[str] = ()) -> FileAccount:
    """Return the account of a folder that was walked.

    Args:
        walk: What lies in it.
        used: How many of its images are used.
        outside: Files that lie outside of all classes' folders, images or not.
    """
    beyond = frozenset(outside)
    left_out: dict[str, list[str]] = {"outside_classes": sorted(outside)}
    for name, why in walk.left_out:
        if name not in beyond:
            left_out.setdefault(why, []).append(name)
    return FileAccount(used, {why: tuple(sorted(names)) for why, names in left_out.items()})


def _may_be_image(name: str) -> bool:
    suffix, own = suffix_of(name), name.rpartition("/")[2]
    return suffix not in SIDE_FILES and (bool(suffix) or own.lower() not in SIDE_NAMES)


def _is_image(name: str) -> bool:
    from tlx.data.images.files.image_limits import image_suffixes

    return suffix_of(name) in image_suffixes()


def _suffixes(names: Sequence[str]) -> dict[str, int]:
    counts = Counter(shown_name(suffix_of(name)) or "none" for name in names)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _suffix_words(names: Sequence[str]) -> str:
    return shortened([f"{suffix} {n}" for suffix, n in _suffixes(names).items()], MOST_SUFFIXES)
