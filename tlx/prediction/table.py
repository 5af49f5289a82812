"""Predict the rows of a table with the model of a run that learned from one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import torch

from tlx.data.table_columns import Cells, cells_of, name_faults, read_table
from tlx.data.table_preparation import Preparation, prepared, read_preparation
from tlx.errors import ConfigError, Fault, TlxError
from tlx.prediction.answers import Answers
from tlx.prediction.parts import check_output
from tlx.prediction.predictor import load_predictor
from tlx.prediction.run import Predicted
from tlx.runs.atomic import atomic_path

if TYPE_CHECKING:
    from tlx.prediction.predictor import Predictor


def predict_rows(
    run: Path, source: Path, output: Path, *, device: str = "cpu", overwrite: bool = False
) -> Predicted:
    """Write what a run's model says of each row of a table.

    The rows are prepared as the run's training rows taught (`preparation.json`). The answer has
    the columns `row`, `predicted`, `confidence`, `p_<class>` for each class, and `error`.

    Args:
        run: The folder of a completed run on a table.
        source: A CSV or Parquet table with the same columns; that of the classes may be missing.
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
    answers = _answers(cells, learned, predictor)
    _write(answers.table().drop_columns(["path"]), output)
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


def _answers(cells: Cells, learned: Preparation, predictor: Predictor) -> Answers:
    answers = Answers(0, [None] * len(cells), predictor.class_names)
    lacking = cells.missing & (not learned.fills_in)
    for place in np.flatnonzero(lacking).tolist():
        answers.errors[place] = "a value is missing or infinite, and the run fills none in"
    whole = np.flatnonzero(~lacking)
    if len(whole):
        features, _ = prepared(cells.rows(whole), learned)
        answers.fill(whole.tolist(), predictor.probabilities(torch.from_numpy(features)).numpy())
    return answers


def _write(table: pa.Table, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(output) as temporary:
        if output.suffix.lower() == ".parquet":
            pq.write_table(table, temporary)
        else:
            pyarrow.csv.write_csv(table, temporary)
