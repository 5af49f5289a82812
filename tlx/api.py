"""tlx from Python: `from tlx import api`, then `api.train("strategy=partial")`.

Importing this is light: what needs torch, Lightning or Spark imports them when it is called. The
words are those of the command line; options can also be given as keywords, with two underscores
where the command line has a dot: `api.train(strategy="partial", trainer__epochs=5)`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from tlx.errors import TlxError

if TYPE_CHECKING:
    import pandas as pd

    from tlx.reports.notebook import Picture
    from tlx.runs.result import Result

__all__ = ["Run", "backbones", "load", "sweep", "train"]

FolderOrTable = str | os.PathLike[str]


class Run:
    """A run's folder: its scores, history, predictions and pictures; its model on new data.

    As the value of a notebook's cell it shows its scores and pictures.

    Args:
        folder: The folder of a run, finished or not.

    Raises:
        TlxError: Where the folder holds no run, or its record is damaged.
    """

    def __init__(self, folder: FolderOrTable) -> None:
        self.folder = Path(folder)
        self._read()

    def _read(self) -> Result:
        from tlx.runs.result import read_result

        return read_result(self.folder)

    @property
    def result(self) -> Result:
        """What `result.json` says now: status, scores, seconds by phase, parameters, memory."""
        return self._read()

    @property
    def status(self) -> str:
        """`completed`, `failed` or `running`."""
        return self.result.status

    @property
    def scores(self) -> dict[str, dict[str, float]]:
        """The scores that are single numbers, by split (`val`, `test`) and name (`accuracy`)."""
        return {
            split: {n: float(v) for n, v in values.items() if isinstance(v, int | float)}
            for split, values in self.result.metrics.items()
        }

    @property
    def config(self) -> dict[str, Any]:
        """Every option of the run, by group, and the seed."""
        from tlx.config.stored.record import load_config

        return load_config(self.folder)

    @property
    def history(self) -> pd.DataFrame:
        """One row per epoch: `train_loss`, `val_loss`, the validation score, `learning_rate`."""
        import pandas as pd

        from tlx.runs.history_file import HISTORY_FILE

        return pd.read_csv(self._file(HISTORY_FILE))

    @property
    def predictions(self) -> pd.DataFrame:
        """One row per validation and test example: label, prediction, confidence."""
        from tlx.objectives.predictions import PREDICTIONS_FILE, read_predictions

        self._file(PREDICTIONS_FILE)
        return read_predictions(self.folder)

    def _file(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise TlxError(f"{self.folder} has no {name}: the run is {self.status}.")
        return path

    @property
    def figures(self) -> list[Picture]:
        """The run's pictures, each shown inline where it is the value of a cell."""
        from tlx.reports.notebook import Picture

        return [Picture(path) for path in sorted(self.folder.glob("*.png"))]

    def evaluate(self, split: Literal["val", "test"] = "test") -> dict[str, Any]:
        """Return the scores of the run's model on a split of its own task, computed anew.

        Args:
            split: `val` or `test`.

        Raises:
            TlxError: Where the run is not complete, or its data have changed.
        """
        from tlx.evaluate import evaluate

        scores: dict[str, Any] = evaluate(self.folder, split).to_dict()
        return scores

    def predict(
        self,
        data: FolderOrTable | Sequence[FolderOrTable] | pd.DataFrame,
        *,
        device: str = "auto",
    ) -> pd.DataFrame:
        """Return what the run's model says of new data, one row per example, in their order.

        Args:
            data: Of a run on images: a folder, a table (`.csv`, `.parquet`) with a column `path`,
                or paths of image files. Of a run on a table: a table, or a DataFrame, with the
                same columns.
            device: `auto`, `cpu`, `cuda` or `mps`.

        Returns:
            `row`, then `path` where there is one, `predicted` (and `confidence`, `p_<class>`), and
            `error`, which says why a row has no prediction.

        Raises:
            TlxError: Where the run has no model, or the data cannot be read.
        """
        import pandas as pd

        from tlx.data.tables.features.preparation import PREPARATION_FILE
        from tlx.inference.run import chosen_device, predict_files
        from tlx.inference.table import predict_rows

        with tempfile.TemporaryDirectory() as scratch:
            output, source, root = Path(scratch) / "prediction.parquet", data, None
            if isinstance(data, pd.DataFrame):
                source = Path(scratch) / "rows.parquet"
                data.reset_index(drop=True).to_parquet(source)
            elif not isinstance(data, str | os.PathLike):
                paths = [str(Path(one).absolute()) for one in data]
                source, root = Path(scratch) / "paths.parquet", Path("/")
                pd.DataFrame({"path": paths}).to_parquet(source)
            given = Path(str(source))
            if (self.folder / PREPARATION_FILE).is_file():
                predict_rows(self.folder, given, output, device=chosen_device(device))
            else:
                predict_files(self.folder, given, output, root=root, device=device)
            return pd.read_parquet(output)

    def export(
        self,
        form: Literal["onnx", "torch_export", "safetensors"] = "safetensors",
        output: FolderOrTable | None = None,
    ) -> Path:
        """Write the run's model for other programs, with a model card, and return its file.

        Args:
            form: The format.
            output: The file to write; None for one in the run's folder `exports`.

        Raises:
            TlxError: Where the run has no model or the format cannot take it.
        """
        from tlx.inference.export.run import export_run

        return export_run(self.folder, form, None if output is None else Path(output)).path

    def resume(self) -> Run:
        """Go on with the run where it was interrupted, and return it finished.

        Raises:
            TlxError: Where it is complete, or is being written by another process.
        """
        from tlx.config.run import resume

        resume(self.folder)
        return self

    def __repr__(self) -> str:
        """Return the folder and the status."""
        return f"<tlx run {self.folder}: {self.status}>"

    def _repr_html_(self) -> str:
        from tlx.reports.notebook import run_html

        return run_html(self.folder, self.status, self.scores, self.figures)


def train(*words: str, folder: FolderOrTable | None = None, **options: Any) -> Run:
    """Train model B from model A as `python -m tlx.train` does, and return the finished run.

    Args:
        words: What the command line would have: `"strategy=partial"`, `"optimizer.lr=1e-3"`.
        folder: The run's folder; None for a new one in `outputs/`.
        options: The same as keywords: `strategy="partial"`, `optimizer__lr=1e-3`.

    Raises:
        ConfigError: With every fault of what was asked, before any work.
        TlxError: Where the folder holds a run already, or the training fails.
    """
    from tlx.config.run import train_words
    from tlx.config.typed.words import words_of

    place = Path(folder) if folder is not None else _new_folder()
    train_words([*words, *words_of(options)], place)
    return Run(place)


def load(folder: FolderOrTable) -> Run:
    """Return a run that was trained before.

    Args:
        folder: Its folder.

    Raises:
        TlxError: Where the folder holds no run, or its record is damaged.
    """
    return Run(folder)


def sweep(
    *words: str,
    launcher: Literal["basic", "spark"] = "basic",
    folder: FolderOrTable | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Train once for every combination of what is given as several values; return the table.

    The jobs run in a process of their own, as `python -m tlx.train -m ...`.

    Args:
        words: As for `train`, with several values: `"seed=0,1,2"`.
        launcher: `basic` runs the jobs one after the other, `spark` on the slots of Spark.
        folder: The sweep's folder; None for a new one in `outputs/`.
        options: As for `train`; a list gives several values: `seed=[0, 1, 2]`. Where an option
            takes a list itself, give it in `words`.

    Returns:
        One row per job: its number, status, options, scores, and error; `attrs["folder"]` is the
        sweep's folder, whose jobs have the numbers as names.

    Raises:
        TlxError: Where the sweep did not start. Jobs that failed are rows of the table.
    """
    from tlx.config.typed.quoting import quoted
    from tlx.config.typed.words import swept_words_of
    from tlx.sweeps.jobs import read_sweep
    from tlx.sweeps.table import results_table

    place = Path(folder) if folder is not None else _new_folder("-sweep")
    command = [sys.executable, "-m", "tlx.train", "-m", f"hydra/launcher={launcher}"]
    command += [*words, *swept_words_of(options), f"hydra.sweep.dir={quoted(str(place))}"]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if not any(place.glob("*/")):
        raise TlxError(ended.stderr.strip() or f"the sweep ended with status {ended.returncode}")
    table = results_table(read_sweep(place))
    table.attrs["folder"] = str(place)
    return table


def backbones() -> pd.DataFrame:
    """Return the names that `backbone=` takes, with their families."""
    import pandas as pd

    from tlx.backbones.names import FAMILIES

    rows = [(name, family) for family, names in FAMILIES.items() for name in names]
    return pd.DataFrame(rows, columns=["name", "family"])


def _new_folder(suffix: str = "") -> Path:
    now = datetime.now()
    return Path("outputs", f"{now:%Y-%m-%d}", f"{now:%H-%M-%S}-{uuid4().hex[:6]}{suffix}")
