"""Predictions written in parts, so that broken-off work goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from tlx.errors import TlxError
from tlx.runs.atomic import atomic_path, write_json
from tlx.runs.stored import read_json
from tlx.texts.csv_cells import csv_table

OUTPUT_SUFFIXES: Final = (".parquet", ".csv")
MANIFEST = "manifest.json"
RESTART = "--overwrite starts anew; another --output keeps both"


@dataclass(frozen=True)
class Parts:
    """The folder `OUTPUT.parts` beside an output.

    Args:
        output: Where all predictions shall stand; `.parquet` or `.csv`.
        rows: How many rows there are.
        part_rows: How many rows a part has; the last may have fewer.
        depends_on: Fingerprints of all that decides the predictions, by what they are of.
    """

    output: Path
    rows: int
    part_rows: int
    depends_on: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """Where the parts lie."""
        return self.output.with_name(self.output.name + ".parts")

    def __len__(self) -> int:
        """Return how many parts there are."""
        return -(-self.rows // self.part_rows)

    def range_of(self, index: int) -> range:
        """Return the rows of a part."""
        return range(index * self.part_rows, min((index + 1) * self.part_rows, self.rows))

    @contextmanager
    def claimed(self, *, overwrite: bool = False) -> Iterator[None]:
        """Hold the folder alone, made ready for these parts.

        Args:
            overwrite: Whether earlier parts and earlier predictions of something else may go.

        Raises:
            TlxError: Where the folder is in use, or holds another model's or input's parts.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".lock")
            lock.acquire(timeout=0)
        except Timeout:
            raise TlxError(f"{self.folder} is being written by another process.") from None
        except OSError as error:
            raise TlxError(f"--output {self.output} cannot be written: {error}.") from error
        try:
            self._make_ready(overwrite)
            yield
        finally:
            lock.release()

    def is_complete(self) -> bool:
        """Return whether all predictions stand already."""
        return bool(self._manifest().get("complete")) and self.output.is_file()

    def has(self, index: int) -> bool:
        """Return whether a part is there, whole."""
        try:
            found = pq.read_metadata(self._path(index))
        except (OSError, pa.ArrowException):
            return False
        return bool(found.num_rows == len(self.range_of(index)))

    def write(self, index: int, table: pa.Table) -> None:
        """Write a part, at once or not at all."""
        with atomic_path(self._path(index)) as temporary:
            pq.write_table(table, temporary)

    def join(self, schema: pa.Schema) -> int:
        """Write all predictions from their parts, part by part, and remove them.

        In a CSV file a text that a spreadsheet would compute has an apostrophe in front
        (`tlx.texts.csv_cells`).

        Args:
            schema: Names and types of the columns.

        Returns:
            How many rows have an error.
        """
        errors, first = 0, None
        with atomic_path(self.output) as temporary, self._writer(temporary, schema) as writer:
            for index in range(len(self)):
                table = self._read(index, schema)
                errors += len(table) - table["error"].null_count
                first = first or next(iter(table["error"].drop_null().to_pylist()), None)
                writer.write_table(csv_table(table) if self._is_csv else table)
        self._write_manifest(complete=True, errors=errors, first_error=first)
        for index in range(len(self)):
            self._path(index).unlink(missing_ok=True)
        return errors

    def errors_in_output(self) -> int:
        """Return how many rows of all predictions have an error."""
        errors = self._manifest().get("errors")
        return errors if isinstance(errors, int) else 0

    def first_error_in_output(self) -> str | None:
        """Return why the first row without a prediction has none; None where all have one."""
        first = self._manifest().get("first_error")
        return first if isinstance(first, str) else None

    def _read(self, index: int, schema: pa.Schema) -> pa.Table:
        path = self._path(index)
        try:
            return pq.read_table(path, schema=schema)
        except (OSError, pa.ArrowException) as error:
            raise TlxError(f"{path} is damaged; delete it and run the same again.") from error

    def _writer(self, path: Path, schema: pa.Schema) -> pq.ParquetWriter | pa_csv.CSVWriter:
        if self._is_csv:
            return pa_csv.CSVWriter(path, schema)
        return pq.ParquetWriter(path, schema)

    @property
    def _is_csv(self) -> bool:
        return self.output.suffix.lower() == ".csv"

    def _path(self, index: int) -> Path:
        return self.folder / f"part-{index:05d}.parquet"

    def _manifest(self) -> dict[str, object]:
        try:
            content = read_json(self.folder / MANIFEST)
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _write_manifest(
        self, *, complete: bool, errors: int = 0, first_error: str | None = None
    ) -> None:
        content = {
            "depends_on": dict(self.depends_on),
            "complete": complete,
            "errors": errors,
            "first_error": first_error,
        }
        write_json(self.folder / MANIFEST, content)

    def _make_ready(self, overwrite: bool) -> None:
        found = self._manifest().get("depends_on")
        if found == dict(self.depends_on):
            if overwrite or (self._manifest().get("complete") and not self.output.is_file()):
                self._start_anew()
            return
        if not overwrite:
            self._refuse(found)
        self._start_anew()

    def _refuse(self, found: object) -> None:
        """Raise where something else's parts or predictions would be lost."""
        if isinstance(found, dict):
            now = self.depends_on
            changed = " and ".join(key for key in now if found.get(key) != now[key])
            raise TlxError(f"{self.folder} was begun with another {changed}. {RESTART}.")
        if self.output.exists():
            raise TlxError(f"{self.output} exists already. {RESTART}.")

    def _start_anew(self) -> None:
        for path in self.folder.glob("part-*.parquet"):
            path.unlink()
        self._write_manifest(complete=False)


def check_output(output: Path) -> None:
    """Check an output's name.

    Raises:
        TlxError: Where it has another suffix than `.parquet` or `.csv`.
    """
    if output.suffix.lower() not in OUTPUT_SUFFIXES:
        raise TlxError(f"--output {output} must end in .parquet or .csv.")
