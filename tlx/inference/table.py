"""Predict the rows of a table with the model of a run that learned from one."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import torch

from tlx.data.tables.features.preparation import Preparation, prepared, read_preparation
from tlx.data.tables.files.table_file import table_state
from tlx.inference.numbers import NUMBER_SCHEMA, NumberAnswers
from tlx.inference.parts import Parts, check_output
from tlx.inference.prediction_table import Predictions, prediction_schema
from tlx.inference.predictor import load_predictor
from tlx.inference.rows import cells_and_errors, read_rows, reading_of, unseen_lines
from tlx.inference.run import PART_ROWS, Predicted, predicted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from tlx.inference.predictor import Predictor

log = logging.getLogger(__name__)


class RowPredictions(Protocol):
    """What is said of the rows of a table.

    Attributes:
        errors: Why a row has no prediction, by its position.
    """

    errors: dict[int, str]

    def fill(self, places: Sequence[int], given: NDArray[Any], /) -> None:
        """Take the model's predictions for the rows at some places."""

    def table(self) -> pa.Table:
        """Return one row per row of the input."""


class ClassPredictions(Predictions):
    """Predicted classes of rows, which come from no file."""

    def table(self) -> pa.Table:
        """Return one row per row of the input: its class, how sure, or the error."""
        return super().table().drop_columns(["path"])


def predict_rows(
    run: Path,
    source: Path,
    output: Path,
    *,
    device: str = "cpu",
    part_rows: int = PART_ROWS,
    overwrite: bool = False,
) -> Predicted:
    """Write what a run's model says of each row of a table.

    The rows are prepared as the run's training rows taught (`preparation.json`). The output has
    the columns `row`, `predicted`, `confidence`, `p_<class>` for each class, and `error`; where a
    number is predicted `row`, `predicted` (in the target's own units) and `error`. Broken off, the
    same call goes on with the first part that is missing.

    Args:
        run: The folder of a completed run on a table.
        source: A CSV or Parquet table with the same columns; the one to predict may be missing.
        output: The predictions; `.parquet` or `.csv`.
        device: Where to compute.
        part_rows: Rows of a part.
        overwrite: Whether predictions of another model or input may go.

    Raises:
        TlxError: Where run, table or output cannot be used, before any prediction.
    """
    check_output(output)
    learned = read_preparation(run)
    predictor = load_predictor(run, device)
    frame = read_rows(source, learned)
    _tell(run, frame, learned)
    preparation = hashlib.sha256(json.dumps(learned.to_dict()).encode()).hexdigest()
    depends_on = {
        "model": f"{predictor.fingerprint} {preparation}",
        "input": f"{source.resolve()} {table_state(source)}",
        "--part-rows": str(part_rows),
    }
    parts = Parts(output, len(frame), part_rows, depends_on)
    with parts.claimed(overwrite=overwrite):
        if parts.is_complete():
            return predicted(parts, kept_rows=len(frame))
        kept = _write_parts(parts, frame, learned, predictor)
        parts.join(_schema(predictor))
        return predicted(parts, kept_rows=kept)


def _tell(run: Path, frame: pd.DataFrame, learned: Preparation) -> None:
    if reading_of(learned).dialect.as_before:
        log.warning(
            "%s was recorded before runs kept how they read a table: the types of this file's "
            "columns are guessed anew, as they were then. Train again to have them kept.", run
        )  # fmt: skip
    for line in unseen_lines(frame, learned):
        log.warning("%s", line)


def _write_parts(
    parts: Parts, frame: pd.DataFrame, learned: Preparation, predictor: Predictor
) -> int:
    """Write the parts that are missing, and return how many rows were there already."""
    kept = 0
    for index in range(len(parts)):
        rows = parts.range_of(index)
        if parts.has(index):
            kept += len(rows)
            continue
        predictions = _no_predictions_yet(rows, predictor)
        _fill(predictions, frame.iloc[rows.start : rows.stop], learned, predictor)
        parts.write(index, predictions.table())
    return kept


def _schema(predictor: Predictor) -> pa.Schema:
    if not predictor.class_names:
        return NUMBER_SCHEMA
    schema = prediction_schema(predictor.class_names)
    return schema.remove(schema.get_field_index("path"))


def _no_predictions_yet(rows: range, predictor: Predictor) -> RowPredictions:
    if predictor.class_names:
        return ClassPredictions(rows.start, [None] * len(rows), predictor.class_names)
    return NumberAnswers(len(rows), rows.start)


def _fill(
    predictions: RowPredictions, frame: pd.DataFrame, learned: Preparation, predictor: Predictor
) -> None:
    cells, errors = cells_and_errors(frame, learned)
    predictions.errors.update(errors)
    good = np.setdiff1d(np.arange(len(cells)), list(errors)).astype(np.int64)
    if len(good):
        features, _ = prepared(cells.rows(good), learned)
        predictions.fill(good.tolist(), predictor.predictions(torch.from_numpy(features)).numpy())
