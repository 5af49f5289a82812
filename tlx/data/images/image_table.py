"""Images that a table lists, with their classes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tlx.data.images.files.class_folders import likeness_notices
from tlx.data.images.files.file_walk import as_on_disk
from tlx.data.images.files.split_folders import split_of
from tlx.data.images.image_options import ImageOptions
from tlx.data.images.listing import Listing
from tlx.data.splitting import SPLIT_NAMES, TRAIN
from tlx.data.tables.columns.cells import texts_of
from tlx.data.tables.columns.choice import name_faults
from tlx.data.tables.columns.inference import same_number_notice
from tlx.data.tables.features.values import is_none
from tlx.data.tables.files.dialect import Dialect
from tlx.data.tables.files.table_file import Table, read_table
from tlx.errors import Fault
from tlx.texts.file_paths import FilePath
from tlx.texts.names import composed_form, shortened, shown_name

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class ImageTable(ImageOptions):
    """Images of a CSV or Parquet table, one row each; its cells are text as written.

    Args:
        table: The table's file; `.parquet` and `.pq` are Parquet, a folder holds parts of one
            table, all else is CSV with a header.
        root: Folder that the paths start from; None takes the table's own. No path may leave it.
        path_column: Column of the images' paths.
        label_column: Column of the class names.
        split_column: Column that says `train`, `val` or `test`; None deals out.
        separator: What stands between a CSV file's cells: `comma`, `semicolon`, `tab`, `pipe`,
            `space`, `colon` or one character; None takes the tab for `.tsv` and `.tab`, else the
            comma.
        encoding: The CSV file's encoding, as Python names it.
    """

    table: FilePath
    root: FilePath | None = None
    path_column: str = "path"
    label_column: str = "label"
    split_column: str | None = None
    separator: str | None = None
    encoding: str = "utf-8"

    def listed(self) -> Listing | list[Fault]:
        """Return the images that there are, or what is wrong with the table."""
        path = Path(self.table)
        root = path.parent if self.root is None else Path(self.root)
        if not root.is_dir():
            remedy = "Give the folder that the table's paths start from."
            return [Fault("data.root", self.root, "there is no such folder", remedy)]
        frame = self._read(path)
        if isinstance(frame, list):
            return frame
        written = [os.path.normpath(name) for name in self._relative(frame, root)]
        names = [as_on_disk(root, name) for name in written]
        faults = [*_place_faults(root, names), *_repeated(names), *self._split_faults(frame)]
        return faults or self._listing(root, frame, names, _path_notices(written, names))

    def _read(self, path: Path) -> pd.DataFrame | list[Fault]:
        """Return the columns asked for, as text."""
        dialect = Dialect(separator=self.separator, encoding=self.encoding)
        faults = dialect.faults()
        if faults:
            return faults
        table = read_table(path, dialect, "data.table")
        if isinstance(table, Fault):
            return [table]
        faults = name_faults(table, {option: (name,) for option, name in self._columns().items()})
        return faults or self._as_text(table, dialect)

    def _columns(self) -> dict[str, str]:
        asked = {"path_column": self.path_column, "label_column": self.label_column}
        return asked if self.split_column is None else asked | {"split_column": self.split_column}

    def _as_text(self, table: Table, dialect: Dialect) -> pd.DataFrame | list[Fault]:
        import pandas as pd

        names = dict.fromkeys(self._columns().values())
        text = {name: texts_of(table.frame[name], dialect) for name in names}
        empty = {name: is_none(cells) for name, cells in text.items()}
        faults = [
            Fault(
                "data.table",
                self.table,
                f"column {name!r} is empty in {int(missing.sum())} rows, "
                f"the first of them row {int(missing.argmax()) + 1}",
                "Fill them in, or remove the rows.",
            )
            for name, missing in empty.items()
            if missing.any()
        ]
        return faults or pd.DataFrame(text)

    def _relative(self, frame: pd.DataFrame, root: Path) -> list[str]:
        """Return the paths as they start from the root; absolute ones may lie in it too."""
        base = root.absolute()
        return [
            os.path.relpath(path, base) if Path(path).is_absolute() else path
            for path in frame[self.path_column].tolist()
        ]

    def _split_faults(self, frame: pd.DataFrame) -> list[Fault]:
        if self.split_column is None:
            return []
        words = {word for word in frame[self.split_column].unique() if split_of(word) is None}
        if not words:
            return []
        reason = f"it holds {shortened(sorted(map(repr, words)))}"
        remedy = f"Write {', '.join(SPLIT_NAMES)}."
        return [Fault("data.split_column", self.split_column, reason, remedy)]

    def _listing(
        self, root: Path, frame: pd.DataFrame, names: Sequence[str], notices: Sequence[str]
    ) -> Listing:
        found = [composed_form(name) for name in frame[self.label_column]]
        classes = sorted(set(found), key=_numbers_first)
        place = {name: label for label, name in enumerate(classes)}
        splits = [TRAIN] * len(frame)
        if self.split_column is not None:
            known = {word: split_of(word) for word in frame[self.split_column].unique()}
            splits = [known[word] or TRAIN for word in frame[self.split_column]]
        return Listing(
            root,
            tuple(Path(name).as_posix() for name in names),
            np.asarray([place[name] for name in found], np.int64),
            np.asarray(splits, np.int8),
            tuple(classes),
            notices=(*notices, *_label_notices(frame[self.label_column].unique().tolist())),
        )


def _path_notices(written: Sequence[str], found: Sequence[str]) -> list[str]:
    other = [shown_name(name) for name, form in zip(written, found, strict=True) if name != form]
    if not other:
        return []
    said = "files whose names the disk has in another Unicode form than the table"
    return [f"{len(other)} {said}: {shortened(other)}"]


def _label_notices(labels: Sequence[str]) -> list[str]:
    """Return what is remarkable about the labels as written, a sentence each."""
    forms: dict[str, int] = {}
    for label in labels:
        forms[composed_form(label)] = forms.get(composed_form(label), 0) + 1
    merged = [shown_name(name) for name, count in forms.items() if count > 1]
    said = "labels are written in more than one Unicode form, and taken as one class each: "
    notices = [*([said + shortened(merged)] if merged else []), *likeness_notices(list(forms))]
    same = same_number_notice(forms)
    return [*notices, same] if same else notices


def _numbers_first(name: str) -> tuple[int, int, str]:
    """Sort 2 before 10."""
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)


def _place_faults(root: Path, names: Sequence[str]) -> list[Fault]:
    """Return faults where paths leave the root, or lead nowhere."""
    outside = [name for name in names if Path(name).parts[:1] == ("..",)]
    if outside:
        reason = f"{len(outside)} paths of the table leave this folder: {shortened(outside)}"
        remedy = "Give the folder that holds all images, or correct the paths."
        return [Fault("data.root", root, reason, remedy)]
    absent = [name for name in names if not (root / name).is_file()]
    if absent:
        reason = f"{len(absent)} files of the table are not there: {shortened(absent)}"
        remedy = "Give the folder that the paths start from, or correct them."
        return [Fault("data.root", root, reason, remedy)]
    return _link_faults(root, names)


def _link_faults(root: Path, names: Sequence[str]) -> list[Fault]:
    """Return faults where symbolic links leave the root, be it by a folder on the way."""
    base = os.path.realpath(root)
    folder = lru_cache(maxsize=None)(os.path.realpath)

    def real(name: str) -> str:
        path = root / name
        if path.is_symlink():
            return os.path.realpath(path)
        return os.path.join(folder(path.parent), path.name)  # noqa: PTH118 - as realpath has it

    leaving = {name: place for name in names if not _is_below(place := real(name), base)}
    if not leaving:
        return []
    shown = shortened([f"{name} -> {place}" for name, place in leaving.items()])
    reason = f"{len(leaving)} paths of the table leave this folder by a symbolic link: {shown}"
    remedy = "Put the files themselves there, or list them below a data.root that holds them."
    return [Fault("data.root", root, reason, remedy)]


def _is_below(path: str, base: str) -> bool:
    return path.startswith(base.rstrip(os.sep) + os.sep)


def _repeated(names: Sequence[str]) -> list[Fault]:
    seen: set[str] = set()
    again = [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
    if not again:
        return []
    reason = f"the table lists these files more than once: {shortened(sorted(set(again)))}"
    return [Fault("data.table", "rows", reason, "Leave one row of each.")]
