"""Predict the rows of a table with the model of a run that learned from one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import torch

from tlx.data.table_columns import Cells, cells_of, name_faults, read_table
from tlx.data.table_preparation import Preparation, prepared, read_preparation
from tlx.errors import ConfigError, Fault, TlxError
from tlx.prediction.answers import Answers
from tlx.prediction.numbers import NumberAnswers
from tlx.prediction.parts import check_output
from tlx.prediction.predictor import load_predictor
from tlx.prediction.run import Predicted
from tlx.runs.atomic import atomic_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tlx.prediction.predictor import Predictor


class RowAnswers(Protocol):
    """What is said of the rows of a table.

    Attributes:
        errors: Why a row has no answer, by its position.
    """

    errors: dict[int, str]

    def fill(self, places: Sequence[int], given: NDArray[Any], /) -> None:
        """Take the model's answers for the rows at some places."""

    def table(self) -> pa.Table:
        """Return one row per row of the input."""


class ClassAnswers(Answers):
    """Predicted classes of rows, which come from no file."""

    def table(self) -> pa.Table:
        """Return one row per row of the input: its class, how sure, or the error."""
        return super().table().drop_columns(["path"])


def predict_rows(
    run: Path, source: Path, output: Path, *, device: str = "cpu", overwrite: bool = False
) -> Predicted:
    """Write what a run's model says of each row of a table.

    The rows are prepared as the run's training rows taught (`preparation.json`). The answer has
    the columns `row`, `predicted`, `confidence`, `p_<class>` for each class, and `error`; where a
    number is predicted `row`, `predicted` (in the target's own units) and `error`.

    Args:
        run: The folder of a completed run on a table.
        source: A CSV or Parquet table with the same columns; the one to predict may be missing.
        output: The answer; `.parquet` or `.csv`.
        device: Where to compute.
        overwrite: Whether an answer that is there may go.

    Raises:
        TlxError: Where run, table or output cannot be used, before any prediction.
    """
    check_output(output)
    if output.exists() and not overwrite:
        raise TlxError(f"--output {output} is there already. Add --overwrite to replace it.")
    learned = read_preparation(run)
    predictor = load_predictor(run, device)
    cells = _cells(source, learned)
    answers = _no_answers_yet(len(cells), predictor)
    _fill(answers, cells, learned, predictor)
    _write(answers.table(), output)
    return Predicted(output, len(cells), len(answers.errors), 0)


def _cells(source: Path, learned: Preparation) -> Cells:
    frame = read_table(source)
    if isinstance(frame, Fault):
        raise TlxError(f"--input {source}: {frame.reason}. {frame.remedy}")
    asked = {"input": (*learned.numeric, *learned.categorical)}
    faults = name_faults(frame, asked)
    if faults:
        raise ConfigError(faults)
    cells = cells_of(frame, learned.numeric, learned.categorical)
    if isinstance(cells, list):
        raise ConfigError(cells)
    return cells


def _no_answers_yet(rows: int, predictor: Predictor) -> RowAnswers:
    if predictor.class_names:
        return ClassAnswers(0, [None] * rows, predictor.class_names)
    return NumberAnswers(rows)


def _fill(answers: RowAnswers, cells: Cells, learned: Preparation, predictor: Predictor) -> None:
    lacking = cells.missing & (not learned.fills_in)
    for place in np.flatnonzero(lacking).tolist():
        answers.errors[place] = "a value is missing or infinite, and the run fills none in"
    whole = np.flatnonzero(~lacking)
    if len(whole):
        features, _ = prepared(cells.rows(whole), learned)
        answers.fill(whole.tolist(), predictor.answers(torch.from_numpy(features)).numpy())


def _write(table: pa.Table, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(output) as temporary:
        if output.suffix.lower() == ".parquet":
            pq.write_table(table, temporary)
        else:
            pyarrow.csv.write_csv(table, temporary)
