"""New rows of a table: bad ones, broken-off work, and what the prediction hangs on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.data.wine_table import wines, written
from tlx.config.composition import compose_config
from tlx.errors import TlxError
from tlx.inference import table as prediction_table
from tlx.inference.table import predict_rows
from tlx.train import train

WORDS = (
    "data=table_csv", "data.unknown=error", "backbone=mlp", "backbone.hidden=[8]",
    "strategy=structure_reuse", "strategy.init=scratch", "trainer.epochs=2", "trainer.threads=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    train(compose_config([*WORDS, f"data.path={written(folder, wines())}"]), folder / "run")
    return folder / "run"


def new_rows(folder: Path) -> Path:
    return Path(written(folder, wines().drop(columns="label"), "new.csv"))


def test_predict_of_bad_rows_says_why_in_each_and_answers_the_others(
    run: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.parquet"
    predict_rows(run, new_rows(tmp_path), whole)
    frame = wines().astype({"hue": object})
    frame.loc[3, "hue"] = "dark"
    frame.loc[5, "proline"] = np.nan
    frame.loc[7, "alcohol"] = np.inf
    frame.loc[9, "region"] = "moon"
    done = predict_rows(run, Path(written(tmp_path, frame)), tmp_path / "a.parquet", part_rows=50)
    prediction = pd.read_parquet(tmp_path / "a.parquet")
    assert (done.rows, done.errors) == (178, 4)
    assert prediction["row"].tolist() == list(range(178))
    missing = "a value is missing or infinite, and the run fills none in"
    assert prediction["error"].dropna().to_dict() == {
        3: "column 'hue' has 'dark', which is no number",
        5: missing,
        7: missing,
        9: "column 'region' has 'moon', which no training row has",
    }
    bad = prediction["error"].notna()
    assert prediction.loc[bad, "predicted"].isna().all()
    columns = ["p_barbera", "p_barolo", "p_grignolino"]
    expected = pd.read_parquet(whole)
    np.testing.assert_allclose(
        prediction.loc[~bad, columns], expected.loc[~bad, columns], atol=1e-6
    )
    assert prediction.loc[~bad, "predicted"].equals(expected.loc[~bad, "predicted"])


def test_predict_of_rows_broken_off_goes_on_with_the_missing_parts(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = new_rows(tmp_path), tmp_path / "prediction.csv"
    predict_rows(run, source, tmp_path / "whole.csv", part_rows=50)
    fill = prediction_table._fill
    filled: list[int] = []

    def broken_off(predictions: Any, frame: pd.DataFrame, *given: Any) -> None:
        filled.append(len(frame))
        if len(filled) == 3:
            raise KeyboardInterrupt
        fill(predictions, frame, *given)

    monkeypatch.setattr(prediction_table, "_fill", broken_off)
    with pytest.raises(KeyboardInterrupt):
        predict_rows(run, source, output, part_rows=50)
    assert not output.exists()
    done = predict_rows(run, source, output, part_rows=50)
    assert done.kept_rows == 100
    assert filled == [50, 50, 50, 50, 28]
    assert output.read_text() == (tmp_path / "whole.csv").read_text()
    assert predict_rows(run, source, output, part_rows=50).kept_rows == 178


def test_predict_of_other_rows_into_the_same_output_is_refused(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "prediction.csv"
    predict_rows(run, new_rows(tmp_path), output)
    other = Path(written(tmp_path, wines()[:20], "other.csv"))
    with pytest.raises(TlxError, match=r"was begun with another input\. --overwrite starts"):
        predict_rows(run, other, output)
    assert predict_rows(run, other, output, overwrite=True).rows == 20


def test_predict_of_a_table_that_lacks_a_column_names_it(run: Path, tmp_path: Path) -> None:
    path = written(tmp_path, wines().rename(columns={"hue": "hues"}), "lacks.csv")
    with pytest.raises(TlxError) as error:
        predict_rows(run, Path(path), tmp_path / "prediction.csv")
    assert str(error.value) == (
        f"--input {path} lacks columns that the run learned from. "
        "No column 'hue': Did you mean 'hues'?"
    )
