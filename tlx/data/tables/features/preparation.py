"""How the columns of a table become features: learned from training rows, kept as numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tlx.data.tables.columns.reading import Reading
from tlx.data.tables.features.values import Cells, is_none
from tlx.errors import TlxError
from tlx.runs.stored import DamagedFileError, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PREPARATION_FILE: Final = "preparation.json"
FORMAT: Final = 2
WITHOUT_READING: Final = 1
"""The format of runs whose tables pandas read by its own guess, for each file anew."""
MAX_BYTES: Final = 2**30
"""Of the file, which holds every training row where k nearest neighbours fill gaps."""


@dataclass(frozen=True)
class Preparation:
    """What was learned from the training rows of a table.

    Every field is plain numbers and text, so that a run keeps it as JSON.

    Args:
        numeric: Names of the numeric columns.
        categorical: Names of the categorical columns.
        missing: `error`, `drop`, `mean`, `median` or `knn`.
        fills: Of each numeric column, what stands for a missing value (mean, median).
        neighbour_rows: The training rows that k nearest neighbours are sought in; None is missing.
        neighbours: How many of them are averaged.
        fill_categories: Of each categorical column, its most frequent category.
        lower: Of each numeric column, its least value after clipping; empty without clipping.
        upper: Of each numeric column, its largest value after clipping.
        centres: Subtracted from each numeric column.
        scales: What each numeric column is divided by afterwards.
        categories: Of each categorical column, its categories, each of which becomes a feature.
        unknown: `ignore` (all of a column's features are 0) or `error`.
        kept: Positions of the features that were selected; None keeps all.
        reading: How the columns are read, whatever a file's cells look like.
        format: Version of this layout.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    missing: str = "error"
    fills: tuple[float, ...] = ()
    neighbour_rows: tuple[tuple[float | None, ...], ...] = ()
    neighbours: int = 5
    fill_categories: tuple[str, ...] = ()
    lower: tuple[float, ...] = ()
    upper: tuple[float, ...] = ()
    centres: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    unknown: str = "ignore"
    kept: tuple[int, ...] | None = None
    reading: Reading | None = None
    format: int = FORMAT

    @property
    def all_feature_names(self) -> tuple[str, ...]:
        """The features before selection: numeric columns, then `column=category`."""
        pairs = zip(self.categorical, self.categories, strict=True)
        return (*self.numeric, *(f"{name}={value}" for name, known in pairs for value in known))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features in order, shape (d,)."""
        names = self.all_feature_names
        return names if self.kept is None else tuple(names[place] for place in self.kept)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, for JSON."""
        reading = None if self.reading is None else self.reading.to_dict()
        names = {"feature_names": list(self.feature_names)}
        return asdict(replace(self, reading=None)) | {"reading": reading} | names

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preparation:
        """Return what `to_dict` wrote.

        Raises:
            ValueError: Where it is another thing, or of a later format.
        """
        if not isinstance(values, dict) or values.get("format") not in (WITHOUT_READING, FORMAT):
            raise ValueError("it is no preparation that this version of tlx knows")
        known = {one.name for one in fields(cls)} & set(values) - {"reading", "format"}
        made = cls(**{name: _tuples(values[name]) for name in known})
        return replace(made, reading=_reading(values, made), format=values["format"])

    @property
    def fills_in(self) -> bool:
        """Whether missing values are filled in."""
        return self.missing in ("mean", "median", "knn")


@dataclass
class Changes:
    """What was done to some rows, counted by column.

    Args:
        imputed: Values filled in, infinite ones included.
        infinite: Infinite values among them.
        clipped: Values brought to a bound.
        unknown: Categories that no training row has.
    """

    imputed: dict[str, int] = field(default_factory=dict)
    infinite: dict[str, int] = field(default_factory=dict)
    clipped: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)


def read_preparation(path: Path) -> Preparation:
    """Return the preparation in a run's folder, or in a file.

    Raises:
        TlxError: Where there is none.
    """
    file = path / PREPARATION_FILE if path.is_dir() else path
    try:
        return Preparation.from_dict(read_json(file, MAX_BYTES))
    except DamagedFileError as error:
        raise TlxError(f"{file} holds no table's preparation ({error.reason}).") from error
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TlxError(f"{file} holds no table's preparation ({reason}).") from error


def check_reading_kept(run: Path) -> None:
    """Check that a run on a table, if it is one, keeps how it reads the table.

    Raises:
        TlxError: Where it was begun before runs did, so that it would go on with other features.
    """
    if (run / PREPARATION_FILE).is_file() and read_preparation(run).format == WITHOUT_READING:
        raise TlxError(
            f"{run} was begun before runs kept how they read a table, and may read it otherwise "
            "now. Start it anew in another folder."
        )


def filled(cells: Cells, learned: Preparation, changes: Changes) -> Cells:
    """Return rows without missing values, as far as these are filled in.

    Args:
        cells: The rows.
        learned: What stands for missing values.
        changes: Counts are added to it.
    """
    numbers, categories = cells.numbers.copy(), cells.categories.copy()
    if not learned.fills_in:
        return Cells(numbers, categories)
    infinite, lacking = np.isinf(numbers), ~np.isfinite(numbers)
    _count(changes.infinite, learned.numeric, infinite)
    _count(changes.imputed, learned.numeric, lacking)
    numbers[infinite] = np.nan
    if learned.missing == "knn":
        numbers = _from_neighbours(numbers, learned)
    else:
        numbers = np.where(lacking, np.asarray(learned.fills), numbers)
    empty = is_none(categories)
    _count(changes.imputed, learned.categorical, empty)
    for place, value in enumerate(learned.fill_categories):
        categories[empty[:, place], place] = value
    return Cells(numbers, categories)


def _from_neighbours(numbers: NDArray[np.float64], learned: Preparation) -> NDArray[np.float64]:
    """Return numbers whose gaps are the mean of the nearest training rows (Troyanskaya 2001)."""
    from sklearn.impute import KNNImputer

    known = np.array(learned.neighbour_rows, dtype=np.float64)
    result: NDArray[np.float64] = (
        KNNImputer(n_neighbors=learned.neighbours, keep_empty_features=True)
        .fit(known)
        .transform(numbers)
    )
    return result


def clipped(
    numbers: NDArray[np.float64], learned: Preparation, changes: Changes
) -> NDArray[np.float64]:
    """Return numbers (n, numeric columns) within the learned bounds, where there are any."""
    if not learned.lower:
        return numbers
    within = np.clip(numbers, learned.lower, learned.upper)
    _count(changes.clipped, learned.numeric, within != numbers)
    return within


def encoded(cells: Cells, learned: Preparation, changes: Changes) -> NDArray[np.float64]:
    """Return all features (n, d) of rows without gaps: scaled numbers, then one-hot categories."""
    parts = [(cells.numbers - np.asarray(learned.centres)) / np.asarray(learned.scales)]
    for place, (name, known) in enumerate(
        zip(learned.categorical, learned.categories, strict=True)
    ):
        hot = cells.categories[:, place][:, None] == np.array(known, dtype=object)[None, :]
        parts.append(hot.astype(np.float64))
        unknown = int((~hot.any(axis=1)).sum())
        if unknown:
            changes.unknown[name] = unknown
    return np.concatenate(parts, axis=1)


def prepared(cells: Cells, learned: Preparation) -> tuple[NDArray[np.float32], Changes]:
    """Return the features (n, d) of rows, and what was changed on the way.

    Rows with gaps that are not filled in have NaN among their features.

    Args:
        cells: Rows of any split, or new ones.
        learned: What the training rows taught.

    Raises:
        TlxError: Where a category is unknown and this is an error.
    """
    changes = Changes()
    whole = filled(cells, learned, changes)
    within = Cells(clipped(whole.numbers, learned, changes), whole.categories)
    features = encoded(within, learned, changes)
    if changes.unknown and learned.unknown == "error":
        raise TlxError(_unknown(within, learned, next(iter(changes.unknown))))
    if learned.kept is not None:
        features = features[:, list(learned.kept)]
    return features.astype(np.float32), changes


def _unknown(cells: Cells, learned: Preparation, name: str) -> str:
    place = learned.categorical.index(name)
    known = learned.categories[place]
    new = sorted({str(value) for value in cells.categories[:, place] if value not in known})
    return (
        f"column {name!r} has categories that no training row has: {', '.join(new[:5])}. "
        "Choose data.unknown=ignore, or correct the table."
    )


def _count(counts: dict[str, int], names: tuple[str, ...], found: NDArray[np.bool_]) -> None:
    for name, count in zip(names, found.sum(axis=0).tolist(), strict=True):
        if count:
            counts[name] = counts.get(name, 0) + int(count)


def _reading(values: Mapping[str, Any], made: Preparation) -> Reading:
    if values["format"] == WITHOUT_READING:
        return Reading.as_before(made.numeric, made.categorical)
    reading = Reading.from_dict(values.get("reading"))
    if (reading.numeric, reading.categorical) != (made.numeric, made.categorical):
        raise ValueError("its reading of the columns does not fit its features")
    return reading


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
