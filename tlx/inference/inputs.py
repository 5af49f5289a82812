"""Which images to predict: a folder's, or those that a table names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tlx.data.images.files.file_account import FileAccount, account_of
from tlx.data.images.files.file_walk import as_on_disk, suffix_of, walked
from tlx.data.images.files.image_limits import ImageFileError, image_suffixes
from tlx.data.tables.columns.cells import texts_of
from tlx.data.tables.files.dialect import Dialect
from tlx.data.tables.files.table_file import read_table
from tlx.errors import Fault, TlxError, did_you_mean

PLAIN: Final = Dialect()
TABLE_SUFFIXES: Final = (".csv", ".parquet")


@dataclass(frozen=True)
class Inputs:
    """Images to predict, one per row of the output.

    Args:
        names: Each image's path as the folder or the table has it; None where a table's cell is
            empty.
        root: The folder that relative names start from.
        confined: Whether no name may leave that folder, be it by a symbolic link: a table may come
            from others. A folder's own links are followed, as in training.
        account: What became of the folder's files, where these are a folder's.
    """

    names: Sequence[str | None]
    root: Path
    confined: bool = True
    account: FileAccount | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.names)

    def fingerprint(self) -> str:
        """Return a SHA-256 over all names and over the size and time of change of each file."""
        digest = hashlib.sha256(os.fsencode(self.root.resolve()))
        for name in self.names:
            digest.update(b"\0" + os.fsencode(name or "") + b"\0" + self._state(name).encode())
        return digest.hexdigest()

    def _state(self, name: str | None) -> str:
        try:
            found = (self.root / (name or "")).stat()
        except (OSError, ValueError):
            return "-"
        return f"{found.st_size} {found.st_mtime_ns}"


def read_inputs(source: Path, *, path_column: str = "path", root: Path | None = None) -> Inputs:
    """Return the images that a folder or a table holds.

    A folder's images are those that training would read (`file_walk`), at any depth, sorted by
    path. A table's rows keep their order, and each is one image.

    Args:
        source: A folder, or a table in CSV or Parquet.
        path_column: The table's column of image paths.
        root: Where the table's relative paths start; None means the table's own folder.

    Raises:
        TlxError: Where there is no such source or column, or no image at all.
    """
    if source.is_dir():
        if root is not None:
            raise TlxError(f"--root goes with a table; {source} is a folder. Leave --root out.")
        inputs = _images_in(source)
        expected = f"files such as .jpg, .png or .webp in {source} or below"
    else:
        inputs = Inputs(_names_in(source, path_column), root or source.parent)
        expected = f"rows in {source}"
    if root is not None and not root.is_dir():
        raise TlxError(f"--root {root} is no folder.")
    if not inputs.names:
        found = f" ({inputs.account.sentence()})" if inputs.account is not None else ""
        raise TlxError(f"there is nothing to predict: no {expected}{found}.")
    return inputs


def locate(name: str | None, root: Path, *, confined: bool = True) -> Path:
    """Return the file that a row names.

    Args:
        name: A path, relative to the root or inside it.
        root: The folder that relative paths start from.
        confined: Whether the path may not leave it, not even by a symbolic link.

    Raises:
        ImageFileError: Where the row names no regular file inside the root.
    """
    if not name:
        raise ImageFileError("the row has no path")
    try:
        path = (root / as_on_disk(root, name)).resolve()
        if confined and not path.is_relative_to(root.resolve()):
            raise ImageFileError(f"the path leaves {root}; name another folder with --root")
        if not path.exists():
            raise ImageFileError("there is no such file")
        if not path.is_file():  # a pipe or a device would be waited for
            raise ImageFileError("it is no regular file")
    except (OSError, ValueError, RuntimeError) as error:  # too long, a zero byte, a loop of links
        raise ImageFileError(f"it is no usable path ({error})") from error
    return path


def _images_in(folder: Path) -> Inputs:
    """Return a folder's images; those that lead nowhere are rows with an error."""
    walk = walked(folder)
    faults = walk.faults("--input")
    if faults:
        raise TlxError(" ".join(map(str, faults)))
    unusable = [
        name
        for name, why in walk.left_out
        if why in ("broken_link", "not_plain") and suffix_of(name) in image_suffixes()
    ]
    rest = replace(walk, left_out=tuple(o for o in walk.left_out if o[0] not in set(unusable)))
    account = account_of(rest, len(walk.images))
    return Inputs(sorted([*walk.images, *unusable]), folder, confined=False, account=account)


def _names_in(table: Path, column: str) -> list[str | None]:
    if table.suffix.lower() not in TABLE_SUFFIXES:
        raise TlxError(f"--input {table} is neither a folder nor a .csv or .parquet table.")
    if not table.is_file():
        raise TlxError(f"--input {table}: there is no such file or folder.")
    found = read_table(table, PLAIN, "--input", needs_rows=False)
    if isinstance(found, Fault):
        fits = found.key == "--input"
        remedy = found.remedy if fits else "Write it in UTF-8, with commas."
        raise TlxError(f"{table} cannot be read: {found.reason}. {remedy}")
    if column not in found.names:
        remedy = did_you_mean(column, found.names)
        raise TlxError(f"{table} has no column {column!r} (--path-column). {remedy}")
    # Words such as NA and null are names like others in a column of paths.
    names: list[str | None] = texts_of(found.frame[column], PLAIN).tolist()
    return names
