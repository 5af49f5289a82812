"""Classes from the numeric and categorical columns of a CSV or Parquet table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlx.data.dealing import SPLIT_NAMES, TRAIN, Deal
from tlx.data.table_columns import (
    Cells,
    as_text,
    cells_of,
    columns_by_type,
    is_none,
    missing_faults,
    name_faults,
    read_table,
)
from tlx.data.table_learning import MISSING, SCALING, UNKNOWN, Learned, Learning, learn
from tlx.data.table_outliers import ACTIONS, OUTLIERS
from tlx.data.table_preparation import (
    PREPARATION_FILE,
    Changes,
    Preparation,
    prepared,
    read_preparation,
)
from tlx.data.table_selection import SELECTION
from tlx.errors import ConfigError, Fault, TlxError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from tlx.data.task import ImageTask, Split

WORDS = {
    "missing": MISSING,
    "outliers": OUTLIERS,
    "outlier_action": ACTIONS,
    "scaling": SCALING,
    "unknown": UNKNOWN,
    "selection": SELECTION,
}
FEWEST_CLASSES = 2


@dataclass(frozen=True)
class _Rows:
    """The usable rows of a table.

    Args:
        cells: Their numeric and categorical values.
        labels: Class indices, shape (n,).
        class_names: One per class, sorted.
        ids: Position of each row in the file, from 0, shape (n,).
        numeric: Names of the numeric columns.
        categorical: Names of the categorical columns.
        dropped: How many rows were left out for what they lack.
    """

    cells: Cells
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    ids: NDArray[np.int64]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    dropped: int


@dataclass(frozen=True, kw_only=True)
class TableCsv:
    """A table with a column of classes.

    Imputation, bounds, scales, categories and the selection of features are learned from the
    training rows alone; the run keeps them as JSON in `preparation.json`.

    Args:
        path: The table; `.parquet` and `.pq` are Parquet, all else is CSV with a header.
        label_column: Column of the class names.
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
            `random_forest`.
        features: How many features are chosen; needed with a selection.
        preparation: A run whose preparation is used in place of learning one, so that features
            mean to this model A what they meant in that run.
        train_per_class: Training rows per class; None takes all that remain.
        train_fraction: Share of the remaining rows of each class to train on; None takes all.
        val_fraction: Share of each class for validation.
        test_fraction: Share of each class for the test.
        folds: Parts for cross-validation; None deals out once.
        fold: Which part is the test set, from 0.
        seed: Seed of the deal and of the forests.
    """

    path: str
    label_column: str = "label"
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
        if isinstance(rows, list):
            return rows
        given = np.full(len(rows.labels), TRAIN, np.int8)
        return self._deal.class_faults(rows.labels, given, rows.class_names)

    def _option_faults(self) -> list[Fault]:
        faults = [*self._deal.faults()]
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
            reason = "the column of the classes is listed among the features"
            remedy = "Take it out of data.numeric and data.categorical."
            faults.append(Fault("data.label_column", self.label_column, reason, remedy))
        both = [name for name in self.numeric or () if name in (self.categorical or ())]
        for name in both:
            reason = "the column is listed as categorical too"
            faults.append(Fault("data.numeric", name, reason, "List it once."))
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
            reason = "there is no column beside the classes"
            return [Fault("data.path", self.path, reason, "Add columns to learn from.")]
        cells = cells_of(frame, numeric, categorical)
        if isinstance(cells, list):
            return cells
        texts = as_text(frame[self.label_column])
        unlabelled = is_none(texts)
        missing = self.missing if learned is None else learned.missing
        fills = missing in ("mean", "median", "knn")
        kept = np.ones(len(frame), dtype=bool)
        if self.missing == "drop" or missing == "drop":
            kept = ~unlabelled if fills else ~(unlabelled | cells.missing)
        elif unlabelled.any():
            return [self._unlabelled(unlabelled)]
        elif not fills and cells.missing.any():
            return missing_faults(cells, numeric, categorical)
        names = tuple(sorted(set(texts[kept])))
        if len(names) < FEWEST_CLASSES:
            return [self._single_class(names)]
        places = {name: place for place, name in enumerate(names)}
        labels = np.array([places[text] for text in texts[kept]], dtype=np.int64)
        ids, dropped = np.flatnonzero(kept).astype(np.int64), int((~kept).sum())
        return _Rows(cells.rows(kept), labels, names, ids, numeric, categorical, dropped)

    def _unlabelled(self, unlabelled: NDArray[np.bool_]) -> Fault:
        count, row = int(unlabelled.sum()), int(unlabelled.argmax()) + 1
        reason = f"{count} rows have no class (the first is row {row})"
        remedy = "Complete or remove them, or choose data.missing=drop."
        return Fault("data.label_column", self.label_column, reason, remedy)

    def _single_class(self, names: tuple[str, ...]) -> Fault:
        only = ", ".join(map(repr, names)) or "none"
        reason = f"the column has a single class ({only}), there is nothing to tell apart"
        remedy = "Name another column, or add rows of other classes."
        return Fault("data.label_column", self.label_column, reason, remedy)

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
        given = np.full(len(rows.labels), TRAIN, np.int8)
        faults = self._deal.class_faults(rows.labels, given, rows.class_names)
        if faults:
            raise ConfigError(faults)
        parts = list(self._deal.positions(rows.labels, given))
        learned = self._learned(rows, parts[TRAIN])
        parts[TRAIN] = parts[TRAIN][learned.used]
        self._check_classes_left(rows, parts[TRAIN])
        done = [_split(rows, part, learned.preparation) for part in parts]
        train, val, test = (split for split, _ in done)
        about = self._about(rows, learned, [changes for _, changes in done])
        return ImageTask(
            name=Path(self.path).stem,
            class_names=rows.class_names,
            train=train,
            val=val,
            test=test,
            fingerprint=task_fingerprint(train, val, test),
            about=about,
            files={PREPARATION_FILE: learned.preparation.to_dict()},
        )

    def _learned(self, rows: _Rows, train: NDArray[np.int64]) -> Learned:
        given = self._given_preparation()
        if isinstance(given, Preparation):
            none = np.zeros(len(train), dtype=bool)
            return Learned(given, none, ~none)
        cells, labels = rows.cells.rows(train), rows.labels[train]
        return learn(cells, labels, rows.numeric, rows.categorical, self._learning)

    def _check_classes_left(self, rows: _Rows, train: NDArray[np.int64]) -> None:
        counts = np.bincount(rows.labels[train], minlength=len(rows.class_names))
        if counts.min() > 0:
            return
        name = rows.class_names[int(counts.argmin())]
        reason = f"all training rows of class {name!r} are outlying"
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


def _split(rows: _Rows, part: NDArray[np.int64], preparation: Preparation) -> tuple[Split, Changes]:
    import torch

    from tlx.data.task import Split

    features, changes = prepared(rows.cells.rows(part), preparation)
    labels, ids = torch.from_numpy(rows.labels[part]), torch.from_numpy(rows.ids[part])
    return Split(torch.from_numpy(features), labels, ids), changes
