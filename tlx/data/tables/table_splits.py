"""The splits of a table as features and targets, and what is recorded of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tlx.data.splitting import SPLIT_NAMES
from tlx.data.tables.features.learning import Learned, scales_of
from tlx.data.tables.features.preparation import Changes, Preparation, prepared
from tlx.data.tables.table_targets import FEWEST_ROWS, Targets
from tlx.errors import ConfigError, Fault

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tlx.data.tables.rows import Rows
    from tlx.data.task import NumberTarget, Split


def number_target(
    targets: Targets, train: NDArray[np.int64], name: str, scaling: str
) -> NumberTarget | None:
    """Return the number to predict and its scale in training; None where classes are.

    Args:
        targets: Of all rows.
        train: Positions of the training rows.
        name: What the number is called.
        scaling: How it is scaled, by what the training rows say.
    """
    from tlx.data.task import NumberTarget

    if targets.class_names:
        return None
    centres, scales = scales_of(targets.values[train][:, None], scaling)
    return NumberTarget(name, centres[0], scales[0])


def check_rows_left(targets: Targets, train: NDArray[np.int64]) -> None:
    """Check that outliers were not all the training rows, or all those of a class.

    Args:
        targets: Of all rows.
        train: Positions of the training rows that are left.

    Raises:
        ConfigError: Where too few are left.
    """
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


def table_record(
    path: Path, rows: Rows, learned: Learned, changes: Sequence[Changes]
) -> dict[str, Any]:
    """Return what is recorded of a table's rows and features, as plain values.

    Args:
        path: The table.
        rows: Its usable rows.
        learned: How they became features.
        changes: What was changed on the way, by split.
    """
    splits = dict(zip(SPLIT_NAMES, map(vars, changes), strict=True))
    changed = {
        what: {name: counts[what] for name, counts in splits.items() if counts[what]}
        for what in ("imputed", "infinite", "clipped", "unknown")
    }
    preparation = learned.preparation
    return {
        "file": str(path.absolute()),
        "rows": len(rows.cells) + rows.dropped,
        "rows_dropped_for_missing": rows.dropped,
        "rows_dropped_that_lack": dict(rows.dropped_for),
        "outlying_training_rows": int(learned.outlying.sum()),
        "outlying_rows_dropped": int((~learned.used).sum()),
        **changed,
        "numeric": list(preparation.numeric),
        "categorical": list(preparation.categorical),
        "features_before_selection": len(preparation.all_feature_names),
        "features": list(preparation.feature_names),
    }


def prepared_split(
    rows: Rows, part: NDArray[np.int64], preparation: Preparation, number: NumberTarget | None
) -> tuple[Split, Changes]:
    """Return the rows of a split as features and targets, and what was changed on the way.

    Args:
        rows: All usable rows.
        part: Positions of the split's rows.
        preparation: How rows become features.
        number: The number to predict; None where classes are.
    """
    import torch

    from tlx.data.task import Split

    features, changes = prepared(rows.cells.rows(part), preparation)
    values, ids = rows.targets.values[part], torch.from_numpy(rows.ids[part])
    labels = torch.from_numpy(values if number is None else number.scaled(values))
    return Split(torch.from_numpy(features), labels, ids), changes
