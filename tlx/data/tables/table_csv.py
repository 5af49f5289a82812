"""Classes or numbers from the columns of a CSV or Parquet table."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from tlx.data.source import Given
from tlx.data.splitting import TRAIN, Splitting
from tlx.data.tables.columns.choice import name_faults
from tlx.data.tables.columns.inference import inferred
from tlx.data.tables.columns.told import reading_record, tell
from tlx.data.tables.features.learning import Learned, Learning, Missing, Scaling, Unknown, learn
from tlx.data.tables.features.outliers import OutlierAction, Outliers
from tlx.data.tables.features.preparation import PREPARATION_FILE, Preparation, read_preparation
from tlx.data.tables.features.selection import FOR_CLASSES_ONLY, Selection
from tlx.data.tables.features.values import category_faults
from tlx.data.tables.files.dialect import Dialect
from tlx.data.tables.files.table_file import read_table
from tlx.data.tables.options import ReadingOptions
from tlx.data.tables.rows import Rows, Wanted, usable_rows
from tlx.data.tables.shipped_tables import TablePath, table_path
from tlx.data.tables.table_splits import (
    check_rows_left,
    number_target,
    prepared_split,
    table_record,
)
from tlx.data.tables.table_targets import CLASSIFICATION, REGRESSION, Targets, TaskKind, size_faults
from tlx.errors import ConfigError, Fault, TlxError
from tlx.texts.file_paths import FilePath

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tlx.data.tables.columns.reading import Reading
    from tlx.data.tables.files.table_file import Table
    from tlx.data.task import Task

Count = Annotated[int, Field(ge=1)]
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TableCsv(ReadingOptions):
    """A table with a column of classes, or of numbers, to predict.

    How each column is read is found once, from this table, and belongs to the run
    (`tlx.data.tables`). Imputation, bounds, scales, categories and the selection of features are
    learned from the training rows alone; the run keeps both as JSON in `preparation.json`.

    Args:
        path: The table, or the name of a shipped one; `.parquet` and `.pq` are Parquet, a folder
            holds parts of one table, all else is CSV with a header.
        classes: The classes to tell apart; None takes all.
        missing: What becomes of missing (and infinite) values: `error` names them and stops,
            `drop` leaves out their rows, `mean`, `median` and `knn` fill them in. Categories are
            filled in with the most frequent one.
        neighbours: Rows averaged by `missing=knn`.
        outliers: How outlying training rows are found: `none`, `iqr`, `zscore` or
            `isolation_forest`.
        outlier_action: `flag` counts them, `drop` leaves them out of training, `clip` brings the
            values of all splits within the bounds.
        outlier_limit: Interquartile ranges (1.5) or standard deviations (3) that are not outlying.
        scaling: `standard` (mean 0, variance 1), `minmax`, `robust` (median and quartiles), `none`.
        unknown: What becomes of categories that no training row has: `ignore` counts them and
            gives no feature, `error` stops.
        selection: How features are chosen: `none`, `chi2`, `anova`, `mutual_info`, `rfe` or
            `random_forest`; for numbers all but `chi2`.
        features: How many features are chosen; needed with a selection.
        preparation: A run whose preparation is used in place of learning one, so that features
            mean to this model A what they meant in that run.
        train_per_class: Training rows per class; None takes all that remain. Numbers have none.
        train_fraction: Share of the remaining rows of each class to train on; None takes all.
        val_fraction: Share of each class for validation.
        test_fraction: Share of each class for the test.
        folds: Parts for cross-validation; None deals out once.
        fold: Which part is the test set, from 0.
        seed: Seed of the deal and of the forests.
        task: `classification`, or `regression`: the label column holds numbers, and rows are
            dealt out without regard to them.
        target_scaling: How the numbers are scaled in training, by what its rows say; scores and
            predictions are in the column's own units.
    """

    path: TablePath
    classes: tuple[str | int, ...] | None = None
    missing: Missing = "error"
    neighbours: Count = 5
    outliers: Outliers = "none"
    outlier_action: OutlierAction = "flag"
    outlier_limit: Annotated[float, Field(gt=0)] | None = None
    scaling: Scaling = "standard"
    unknown: Unknown = "ignore"
    selection: Selection = "none"
    features: Count | None = None
    preparation: FilePath | None = None
    train_per_class: int | None = None
    train_fraction: float | None = None
    val_fraction: float = 0.2
    test_fraction: float = 0.2
    folds: int | None = None
    fold: int | None = None
    seed: int = 0
    task: TaskKind = CLASSIFICATION
    target_scaling: Scaling = "none"

    @property
    def _deal(self) -> Splitting:
        return Splitting(**{one.name: getattr(self, one.name) for one in fields(Splitting)})

    @property
    def _learning(self) -> Learning:
        return Learning(**{one.name: getattr(self, one.name) for one in fields(Learning)})

    @property
    def gives(self) -> Given:
        """Rows of features, with a class or a number each."""
        return Given("rows", "number" if self.task == REGRESSION else "classes")

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options and with the table."""
        faults = self._option_faults()
        if faults:
            return faults
        found = self._rows()
        return found if isinstance(found, list) else self._deal_faults(found[0].targets)

    def _deal_faults(self, targets: Targets) -> list[Fault]:
        given = np.full(len(targets), TRAIN, np.int8)
        if targets.class_names:
            return self._deal.class_faults(targets.strata, given, targets.class_names, "row")
        return size_faults(self.path, self._deal.positions(targets.strata, given))

    def _option_faults(self) -> list[Fault]:
        faults = [*self._deal.faults("row")]
        if self.outliers == "isolation_forest" and self.outlier_action == "clip":
            reason = "an isolation forest judges whole rows and has no bounds to clip to"
            remedy = "Use flag or drop, or outliers=iqr."
            faults.append(Fault("data.outlier_action", "clip", reason, remedy))
        if self.selection != "none" and self.features is None:
            reason = "it needs to know how many features to choose"
            faults.append(Fault("data.selection", self.selection, reason, "Give data.features=10."))
        faults += [*self.dialect.faults(), *self.choice.faults()]
        return [*faults, *self._task_faults()]

    def _task_faults(self) -> list[Fault]:
        faults = []
        if self.task == REGRESSION:
            if self.selection in FOR_CLASSES_ONLY:
                reason = "it tells classes apart, and data.task=regression predicts a number"
                remedy = "Use anova, mutual_info, rfe or random_forest."
                faults.append(Fault("data.selection", self.selection, reason, remedy))
            if self.classes is not None:
                reason = "data.task=regression has no classes"
                faults.append(Fault("data.classes", list(self.classes), reason, "Leave it out."))
            if self.train_per_class is not None:
                reason = "data.task=regression has no classes"
                remedy = "Use data.train_fraction."
                faults.append(Fault("data.train_per_class", self.train_per_class, reason, remedy))
        elif self.target_scaling != "none":
            reason = "classes have no scale"
            remedy = "Use none, or predict a number: data.task=regression."
            faults.append(Fault("data.target_scaling", self.target_scaling, reason, remedy))
        return faults

    def _rows(self) -> tuple[Rows, Reading, Table] | list[Fault]:
        """Return the usable rows, how they are read, and the table that they are from."""
        given = self._given_preparation()
        if isinstance(given, Fault):
            return [given]
        reading = None if given is None else given.reading
        table = read_table(table_path(self.path), self._dialect(reading))
        if isinstance(table, Fault):
            return [table]
        faults = self.choice.name_faults(table)
        if reading is not None:
            asked = {"preparation": (*reading.numeric, *reading.categorical)}
            faults += name_faults(table, asked)
            faults += self.dialect.against(reading.dialect) + self.choice.against(reading)
        if faults:
            return faults
        found = reading or inferred(table, self.choice, self.dialect)
        if isinstance(found, list):
            return found
        missing = self.missing if given is None else given.missing
        return self._usable(table, found, missing)

    def _dialect(self, reading: Reading | None) -> Dialect:
        """Return how the file is written: as the options say, else as an earlier run had it."""
        if reading is None:
            return self.dialect
        own = {"separator": self.separator} if self.separator is not None else {}
        if self.encoding != Dialect.encoding:
            own["encoding"] = self.encoding
        return replace(reading.dialect, **own)  # type: ignore[arg-type]

    def _given_preparation(self) -> Preparation | Fault | None:
        if self.preparation is None:
            return None
        try:
            return read_preparation(Path(self.preparation))
        except TlxError as error:
            remedy = "Give the folder of a run on a table."
            return Fault("data.preparation", self.preparation, str(error).rstrip("."), remedy)

    def _usable(
        self, table: Table, reading: Reading, missing: str
    ) -> tuple[Rows, Reading, Table] | list[Fault]:
        if not reading.columns:
            reason = f"there is no column beside {self.label_column!r}"
            out = "; ".join(
                f"{name!r} is left out: {why}" for name, why in reading.left_out.items()
            )
            remedy = "Add columns to learn from."
            return [Fault("data.path", self.path, f"{reason} ({out})" if out else reason, remedy)]
        drops = "drop" in (self.missing, missing)
        wanted = Wanted(self.label_column, self.task, self.classes, missing, drops)
        rows = usable_rows(table, reading, wanted)
        if isinstance(rows, list):
            return rows
        faults = (
            category_faults(rows.cells, reading.categorical) if self.preparation is None else []
        )
        return faults or (rows, reading, table)

    def load(self) -> Task:
        """Return the task; its inputs are float32 features, shape (n, d).

        Raises:
            ConfigError: With what is wrong with options or table.
            TlxError: Where a category is unknown and this is an error.
        """
        from tlx.data.splits import task_fingerprint
        from tlx.data.task import Task, splits_of

        found = self._option_faults() or self._rows()
        if isinstance(found, list):
            raise ConfigError(found)
        rows, reading, table = found
        faults = self._deal_faults(rows.targets)
        if faults:
            raise ConfigError(faults)
        given = np.full(len(rows.targets), TRAIN, np.int8)
        parts = list(self._deal.positions(rows.targets.strata, given, rows.targets.numbers))
        tell(log, table_path(self.path).name, table, reading, rows, self.label_column)
        learned = self._learned(rows, reading, parts[TRAIN])
        parts[TRAIN] = parts[TRAIN][learned.used]
        check_rows_left(rows.targets, parts[TRAIN])
        number = number_target(rows.targets, parts[TRAIN], self.label_column, self.target_scaling)
        done = [prepared_split(rows, part, learned.preparation, number) for part in parts]
        splits = splits_of(*(split for split, _ in done))
        about = table_record(table_path(self.path), rows, learned, [changes for _, changes in done])
        about |= reading_record(reading, table)
        return Task(
            name=Path(self.path).stem,
            class_names=rows.targets.class_names,
            splits=splits,
            fingerprint=task_fingerprint(splits),
            about=about,
            files={PREPARATION_FILE: learned.preparation.to_dict()},
            number=number,
        )

    def _learned(self, rows: Rows, reading: Reading, train: NDArray[np.int64]) -> Learned:
        given = self._given_preparation()
        if isinstance(given, Preparation):
            none = np.zeros(len(train), dtype=bool)
            return Learned(given, none, ~none)
        cells, values = rows.cells.rows(train), rows.targets.values[train]
        learned = learn(cells, values, reading.numeric, reading.categorical, self._learning)
        return replace(learned, preparation=replace(learned.preparation, reading=reading))
