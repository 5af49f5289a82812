"""Classes or numbers from the numeric and categorical columns of a CSV or Parquet table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlx.data.dealing import SPLIT_NAMES, TRAIN, Deal
from tlx.data.table_columns import (
    Cells,
    cells_of,
    columns_by_type,
    missing_faults,
    name_faults,
    read_table,
)
from tlx.data.table_learning import (
    MISSING,
    SCALING,
    UNKNOWN,
    Learned,
    Learning,
    learn,
    scales_of,
)
from tlx.data.table_outliers import ACTIONS, OUTLIERS
from tlx.data.table_preparation import (
    PREPARATION_FILE,
    Changes,
    Preparation,
    prepared,
    read_preparation,
)
from tlx.data.table_selection import FOR_CLASSES_ONLY, SELECTION
from tlx.data.table_targets import (
    CLASSIFICATION,
    FEWEST_ROWS,
    REGRESSION,
    TASKS,
    Targets,
    rows_of_classes,
    size_faults,
    target_column,
)
from tlx.errors import ConfigError, Fault, TlxError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from tlx.data.task import ImageTask, NumberTarget, Split

WORDS = {
    "missing": MISSING,
    "outliers": OUTLIERS,
    "outlier_action": ACTIONS,
    "scaling": SCALING,
    "unknown": UNKNOWN,
    "selection": SELECTION,
    "task": TASKS,
    "target_scaling": SCALING,
}


@dataclass(frozen=True)
class _Rows:
    """The usable rows of a table.

    Args:
        cells: Their numeric and categorical values.
        targets: What they are to be predicted as.
        ids: Position of each row in the file, from 0, shape (n,).
        numeric: Names of the numeric columns.
        categorical: Names of the categorical columns.
        dropped: How many rows were left out for what they lack.
    """

    cells: Cells
    targets: Targets
    ids: NDArray[np.int64]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    dropped: int


@dataclass(frozen=True, kw_only=True)
class TableCsv:
    """A table with a column of classes, or of numbers, to predict.

    Imputation, bounds, scales, categories and the selection of features are learned from the
    training rows alone; the run keeps them as JSON in `preparation.json`.

    Args:
        path: The table; `.parquet` and `.pq` are Parquet, all else is CSV with a header.
        label_column: Column of the class names, or of the numbers to predict.
        classes: The classes to tell apart; None takes all.
        numeric: Columns of numbers; None takes those that the types say.
        categorical: Columns of categories; None takes those that the types say.
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

    path: str
    label_column: str = "label"
    classes: tuple[str | int, ...] | None = None
    numeric: tuple[str, ...] | None = None
    categorical: tuple[str, ...] | None = None
    missing: str = "error"
    neighbours: int = 5
    outliers: str = "none"
    outlier_action: str = "flag"
    outlier_limit: float | None = None
    scaling: str = "standard"
    unknown: str = "ignore"
    selection: str = "none"
    features: int | None = None
    preparation: str | None = None
    train_per_class: int | None = None
    train_fraction: float | None = None
    val_fraction: float = 0.2
    test_fraction: float = 0.2
    folds: int | None = None
    fold: int | None = None
    seed: int = 0
    task: str = CLASSIFICATION
    target_scaling: str = "none"

    @property
    def _deal(self) -> Deal:
        return Deal(**{one.name: getattr(self, one.name) for one in fields(Deal)})

    @property
    def _learning(self) -> Learning:
        return Learning(**{one.name: getattr(self, one.name) for one in fields(Learning)})

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options and with the table."""
        faults = self._option_faults()
        if faults:
            return faults
        rows = self._rows()
        return rows if isinstance(rows, list) else self._deal_faults(rows.targets)

    def _deal_faults(self, targets: Targets) -> list[Fault]:
        given = np.full(len(targets), TRAIN, np.int8)
        if targets.class_names:
            return self._deal.class_faults(targets.strata, given, targets.class_names, "row")
        return size_faults(self.path, self._deal.positions(targets.strata, given))

    def _option_faults(self) -> list[Fault]:
        faults = [*self._deal.faults("row")]
        for name, words in WORDS.items():
            value = getattr(self, name)
            if value not in words:
                remedy = did_you_mean(value, words)
                faults.append(Fault(f"data.{name}", value, f"{name} is no such word", remedy))
        for name in ("features", "neighbours", "outlier_limit"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                faults.append(Fault(f"data.{name}", value, "it is not above 0", "Use 1 or more."))
        if self.outliers == "isolation_forest" and self.outlier_action == "clip":
            reason = "an isolation forest judges whole rows and has no bounds to clip to"
            remedy = "Use flag or drop, or outliers=iqr."
            faults.append(Fault("data.outlier_action", "clip", reason, remedy))
        if self.selection != "none" and self.features is None:
            reason = "it needs to know how many features to choose"
            faults.append(Fault("data.selection", self.selection, reason, "Give data.features=10."))
        if self.label_column in (*(self.numeric or ()), *(self.categorical or ())):
            reason = "the column to predict is listed among the features"
            remedy = "Take it out of data.numeric and data.categorical."
            faults.append(Fault("data.label_column", self.label_column, reason, remedy))
        both = [name for name in self.numeric or () if name in (self.categorical or ())]
        for name in both:
            reason = "the column is listed as categorical too"
            faults.append(Fault("data.numeric", name, reason, "List it once."))
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

    def _rows(self) -> _Rows | list[Fault]:
        frame = read_table(Path(self.path))
        if isinstance(frame, Fault):
            return [frame]
        learned = self._given_preparation()
        if isinstance(learned, Fault):
            return [learned]
        asked: dict[str, tuple[str, ...]] = {"label_column": (self.label_column,)}
        asked |= {"numeric": self.numeric or (), "categorical": self.categorical or ()}
        if learned is not None:
            asked |= {"preparation": (*learned.numeric, *learned.categorical)}
        faults = name_faults(frame, asked)
        if faults:
            return faults
        numeric, categorical = (
            columns_by_type(frame, self.label_column, self.numeric, self.categorical)
            if learned is None
            else (learned.numeric, learned.categorical)
        )
        return self._checked(frame, numeric, categorical, learned)

    def _given_preparation(self) -> Preparation | Fault | None:
        if self.preparation is None:
            return None
        try:
            return read_preparation(Path(self.preparation))
        except TlxError as error:
            remedy = "Give the folder of a run on a table."
            return Fault("data.preparation", self.preparation, str(error).rstrip("."), remedy)

    def _checked(
        self,
        frame: pd.DataFrame,
        numeric: tuple[str, ...],
        categorical: tuple[str, ...],
        learned: Preparation | None,
    ) -> _Rows | list[Fault]:
        if not (numeric or categorical):
            reason = f"there is no column beside {self.label_column!r}"
            return [Fault("data.path", self.path, reason, "Add columns to learn from.")]
        cells = cells_of(frame, numeric, categorical)
        if isinstance(cells, list):
            return cells
        column = target_column(frame, self.label_column, self.task)
        if isinstance(column, Fault):
            return [column]
        chosen = rows_of_classes(frame, self.label_column, self.classes)
        if isinstance(chosen, list):
            return chosen
        missing = self.missing if learned is None else learned.missing
        fills = missing in ("mean", "median", "knn")
        kept = chosen
        if self.missing == "drop" or missing == "drop":
            kept = chosen & (~column.lacking if fills else ~(column.lacking | cells.missing))
        elif column.lacking.any():
            return [column.lacking_fault()]
        elif not fills and cells.missing[chosen].any():
            return missing_faults(cells, numeric, categorical)
        targets = column.targets(kept)
        if isinstance(targets, Fault):
            return [targets]
        ids, dropped = np.flatnonzero(kept).astype(np.int64), int((chosen & ~kept).sum())
        return _Rows(cells.rows(kept), targets, ids, numeric, categorical, dropped)

    def load(self) -> ImageTask:
        """Return the task; its `images` are float32 features, shape (n, d).

        Raises:
            ConfigError: With what is wrong with options or table.
            TlxError: Where a category is unknown and this is an error.
        """
        from tlx.data.splits import task_fingerprint
        from tlx.data.task import ImageTask

        rows = self._option_faults() or self._rows()
        if isinstance(rows, list):
            raise ConfigError(rows)
        faults = self._deal_faults(rows.targets)
        if faults:
            raise ConfigError(faults)
        given = np.full(len(rows.targets), TRAIN, np.int8)
        parts = list(self._deal.positions(rows.targets.strata, given, rows.targets.numbers))
        learned = self._learned(rows, parts[TRAIN])
        parts[TRAIN] = parts[TRAIN][learned.used]
        self._check_rows_left(rows.targets, parts[TRAIN])
        number = self._number(rows.targets, parts[TRAIN])
        done = [_split(rows, part, learned.preparation, number) for part in parts]
        train, val, test = (split for split, _ in done)
        about = self._about(rows, learned, [changes for _, changes in done])
        return ImageTask(
            name=Path(self.path).stem,
            class_names=rows.targets.class_names,
            train=train,
            val=val,
            test=test,
            fingerprint=task_fingerprint(train, val, test),
            about=about,
            files={PREPARATION_FILE: learned.preparation.to_dict()},
            number=number,
        )

    def _learned(self, rows: _Rows, train: NDArray[np.int64]) -> Learned:
        given = self._given_preparation()
        if isinstance(given, Preparation):
            none = np.zeros(len(train), dtype=bool)
            return Learned(given, none, ~none)
        cells, values = rows.cells.rows(train), rows.targets.values[train]
        return learn(cells, values, rows.numeric, rows.categorical, self._learning)

    def _number(self, targets: Targets, train: NDArray[np.int64]) -> NumberTarget | None:
        from tlx.data.task import NumberTarget

        if targets.class_names:
            return None
        centres, scales = scales_of(targets.values[train][:, None], self.target_scaling)
        return NumberTarget(self.label_column, centres[0], scales[0])

    def _check_rows_left(self, targets: Targets, train: NDArray[np.int64]) -> None:
        if targets.class_names:
            counts = np.bincount(targets.values[train], minlength=len(targets.class_names))
            if counts.min() > 0:
                return
            name = targets.class_names[int(counts.argmin())]
            reason = f"all training rows of class {name!r} are outlying"
        elif len(train) >= FEWEST_ROWS:
            return
        else:
            reason = "nearly all training rows are outlying"
        remedy = "Use flag or clip, or a larger data.outlier_limit."
        raise ConfigError([Fault("data.outlier_action", "drop", reason, remedy)])

    def _about(self, rows: _Rows, learned: Learned, changes: list[Changes]) -> dict[str, Any]:
        splits = dict(zip(SPLIT_NAMES, map(vars, changes), strict=True))
        changed = {
            what: {name: counts[what] for name, counts in splits.items() if counts[what]}
            for what in ("imputed", "infinite", "clipped", "unknown")
        }
        preparation = learned.preparation
        return {
            "file": str(Path(self.path).absolute()),
            "rows": len(rows.cells) + rows.dropped,
            "rows_dropped_for_missing": rows.dropped,
            "outlying_training_rows": int(learned.outlying.sum()),
            "outlying_rows_dropped": int((~learned.used).sum()),
            **changed,
            "numeric": list(preparation.numeric),
            "categorical": list(preparation.categorical),
            "features_before_selection": len(preparation.all_feature_names),
            "features": list(preparation.feature_names),
        }


def _split(
    rows: _Rows, part: NDArray[np.int64], preparation: Preparation, number: NumberTarget | None
) -> tuple[Split, Changes]:
    import torch

    from tlx.data.task import Split

    features, changes = prepared(rows.cells.rows(part), preparation)
    values, ids = rows.targets.values[part], torch.from_numpy(rows.ids[part])
    labels = torch.from_numpy(values if number is None else number.scaled(values))
    return Split(torch.from_numpy(features), labels, ids), changes
