"""A column's reading belongs to the run: the same row gets the same prediction in whatever file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.tables.strangers import ROWS, among, numbers, stranger
from tests.data.wine_table import wines, written
from tests.tiny import result_of
from tlx.config.composition import compose_config
from tlx.data.tables.features.preparation import read_preparation
from tlx.data.tables.table_csv import TableCsv
from tlx.errors import ConfigError, TlxError
from tlx.evaluate import evaluate
from tlx.inference.table import predict_rows
from tlx.predict import main as predict_command
from tlx.train import resume, train

MLP = ("backbone=mlp", "backbone.hidden=[8]", "strategy=structure_reuse", "strategy.init=scratch",
       "trainer.epochs=3", "trainer.threads=1", "optimizer.lr=0.05")  # fmt: skip
CODES = ("01", "02", "A1")


def run(folder: Path, table: str, *overrides: str) -> Path:
    train(compose_config(["data=table_csv", f"data.path={table}", *MLP, *overrides]), folder)
    return folder


def strange() -> pd.DataFrame:
    """Return a table with codes, money, dates, markers and whole numbers, and an index."""
    column = among([f"{float(x):,.2f} €" for x in numbers()], row_7="n.d.", row_70="n.d.")
    return stranger(
        index=[str(place) for place in range(ROWS)],
        code=[CODES[place % 3] for place in range(ROWS)],
        price=column,
        day=pd.date_range("2020-01-31", periods=ROWS).strftime("%d.%m.%Y"),
        grade=[str(place % 4) for place in range(ROWS)],
        flag=["True" if place % 5 else "true" for place in range(ROWS)],
    )


OPTIONS = (
    "data.thousands=comma", "data.units=['€']", "data.missing_markers=[n.d.]", "data.dates=[day]",
    "data.date_format=%d.%m.%Y", "data.categorical=[grade]", "data.missing=median",
)  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a finished run, and its table."""
    folder = tmp_path_factory.mktemp("reading")
    table = written(folder, strange(), "strange.csv")
    return run(folder / "run", table, *OPTIONS), Path(table)


@pytest.fixture(scope="module")
def predictions(source: tuple[Path, Path]) -> pd.DataFrame:
    """Return the run's predictions for its own table."""
    return answered(source[0], source[1], source[1].parent / "own.parquet")


def answered(folder: Path, table: Path, output: Path) -> pd.DataFrame:
    predict_rows(folder, table, output)
    return pd.read_parquet(output)


PARTS: dict[str, Callable[[pd.DataFrame], pd.Series[Any]]] = {
    "codes that look like numbers": lambda rows: rows["code"].isin(["01", "02"]),
    "one code alone": lambda rows: rows["code"] == "01",
    "no marker": lambda rows: rows["price"] != "n.d.",
    "markers alone": lambda rows: rows["price"] == "n.d.",
    "one truth": lambda rows: rows["flag"] == "true",
    "a single row": lambda rows: rows.index == 5,
    "every tenth": lambda rows: rows.index % 10 == 0,
}


@pytest.mark.parametrize("what", PARTS)
def test_rows_in_a_new_file_get_the_answers_that_they_have_in_the_training_file(
    what: str, source: tuple[Path, Path], predictions: pd.DataFrame, tmp_path: Path
) -> None:
    part = strange()[PARTS[what](strange())]
    columns = list(part.columns.drop("label"))[::-1]
    new = Path(written(tmp_path, part[columns], "new.csv"))
    found = answered(source[0], new, tmp_path / "prediction.parquet")
    expected = predictions.loc[part.index].drop(columns="row").reset_index(drop=True)
    assert found["error"].isna().all()
    assert found["predicted"].tolist() == expected["predicted"].tolist()
    np.testing.assert_allclose(found["p_x"], expected["p_x"], atol=1e-6)


def test_rows_in_parquet_get_the_answers_that_they_have_in_csv(
    source: tuple[Path, Path], predictions: pd.DataFrame, tmp_path: Path
) -> None:
    part = strange().drop(columns="label").astype({"a": float, "grade": int})
    part["day"] = pd.to_datetime(part["day"], format="%d.%m.%Y")
    (tmp_path / "new").mkdir()
    whole = pa.Table.from_pandas(part)
    for at in range(2):
        pq.write_table(whole.slice(at * 120, 120), tmp_path / f"new/part-{at}.parquet")
    found = answered(source[0], tmp_path / "new", tmp_path / "prediction.parquet")
    assert found["predicted"].tolist() == predictions["predicted"].tolist()
    np.testing.assert_allclose(found["p_x"], predictions["p_x"], atol=1e-6)


def test_reading_is_kept_with_the_run_and_in_its_record(source: tuple[Path, Path]) -> None:
    kept = json.loads((source[0] / "preparation.json").read_text())["reading"]
    assert {one["name"]: one["kind"] for one in kept["columns"]} == {
        "a": "number", "code": "category", "price": "number", "day": "date", "grade": "category",
        "flag": "category",
    }  # fmt: skip
    assert kept["dialect"]["missing_markers"] == ["n.d."]
    assert list(kept["left_out"]) == ["index"]
    recorded = result_of(source[0])["data"]
    assert recorded["columns"] == kept["columns"]
    assert recorded["columns_left_out"] == kept["left_out"]
    again = json.loads(json.dumps(read_preparation(source[0]).to_dict()))
    assert again == json.loads((source[0] / "preparation.json").read_text())


def test_cells_that_are_not_of_their_column_are_errors_of_their_rows(
    source: tuple[Path, Path], predictions: pd.DataFrame, tmp_path: Path
) -> None:
    frame = strange()
    frame.loc[0, "price"] = "1.5"
    frame.loc[1, "price"] = "1.500,00 €"
    frame.loc[2, "day"] = "2020-02-02"
    frame.loc[3, "a"] = "n.a."
    new = Path(written(tmp_path, frame, "new.csv"))
    found = answered(source[0], new, tmp_path / "prediction.parquet")
    assert found["error"].dropna().to_dict() == {
        0: "column 'price' has '1.5', which is no number with '€'",
        1: "column 'price' has '1.500,00 €', which is no number with '€'",
        2: "column 'day' has '2020-02-02', which is no date %d.%m.%Y",
        3: "column 'a' has 'n.a.', which is no number",
    }
    np.testing.assert_allclose(found["p_x"][4:], predictions["p_x"][4:], atol=1e-6)


def test_predict_counts_categories_that_no_training_row_has(
    source: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    frame = strange()
    frame.loc[:9, "code"] = "1"
    frame.loc[3, "code"] = "B2"
    new = written(tmp_path, frame, "new.csv")
    predict_command([str(source[0]), "--input", new, "--output", str(tmp_path / "a.csv")])
    assert "240 rows, 0 with an error" in capsys.readouterr().out
    assert (
        "column 'code': 10 of 240 rows have categories that no training row has: '1', 'B2'"
        in caplog.messages
    )


def test_predict_of_a_file_with_shifted_columns_is_refused(
    source: tuple[Path, Path], tmp_path: Path
) -> None:
    lines = source[1].read_text().splitlines()
    new = tmp_path / "new.csv"
    new.write_text("\n".join([lines[0], *(f"{line}," for line in lines[1:])]))
    with pytest.raises(TlxError, match="row 1 has 9 fields, and the header names 8 "):
        predict_rows(source[0], new, tmp_path / "prediction.csv")


def test_predict_of_a_file_in_another_encoding_is_refused(
    source: tuple[Path, Path], tmp_path: Path
) -> None:
    new = tmp_path / "new.csv"
    new.write_text(source[1].read_text(), encoding="cp1252")
    with pytest.raises(TlxError) as error:
        predict_rows(source[0], new, tmp_path / "prediction.csv")
    assert str(error.value).startswith(f"--input {new} (data.encoding=utf-8): ")
    assert str(error.value).endswith("Write it as the run's own table is: encoding utf-8.")


def test_evaluate_reads_the_table_as_the_run_did(source: tuple[Path, Path]) -> None:
    assert evaluate(source[0]).accuracy == result_of(source[0])["metrics"]["test"]["accuracy"]


def test_preparation_of_a_run_reads_another_table_as_that_run_did(
    source: tuple[Path, Path], tmp_path: Path
) -> None:
    part = strange()[strange()["code"] != "A1"].reset_index(drop=True)
    path = written(tmp_path, part, "other.csv")
    whole = TableCsv(path=str(source[1]), preparation=str(source[0])).load()
    task = TableCsv(path=path, preparation=str(source[0])).load()
    assert task.about["features"] == whole.about["features"]
    assert task.files["preparation.json"] == whole.files["preparation.json"]
    assert task.about["unknown"] == {}


def test_options_against_the_preparation_of_a_run_are_refused(source: tuple[Path, Path]) -> None:
    table = TableCsv(
        path=str(source[1]), preparation=str(source[0]), numeric=("code",), exclude=("a",),
        columns=("index",), decimal="comma", missing_markers=("?",),
    )  # fmt: skip
    remedy = "Leave it out: data.preparation brings the reading with it."
    assert [str(fault) for fault in table.faults()] == [
        f"data.decimal=comma: the preparation reads with point. {remedy}",
        f"data.missing_markers=?: the preparation reads with n.d.. {remedy}",
        f"data.numeric=code: the preparation reads it as category. {remedy}",
        f"data.columns=index: the preparation does not use it. {remedy}",
        f"data.exclude=a: the preparation uses it. {remedy}",
    ]


def test_wrong_cells_in_a_table_read_by_a_preparation_are_named(
    source: tuple[Path, Path], tmp_path: Path
) -> None:
    frame = strange()
    frame.loc[[3, 5], "a"] = "much"
    path = written(tmp_path, frame, "other.csv")
    assert [str(one) for one in TableCsv(path=path, preparation=str(source[0])).faults()] == [
        "column=a: row 4 says 'much', which is no number (2 rows), and it is read as number. "
        "Correct the table."
    ]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a run with the preparation that runs had before they kept a reading."""
    folder = tmp_path_factory.mktemp("before")
    table = written(folder, wines().replace({"region": {"west": "true"}}), "wines.csv")
    made = run(folder / "run", table)
    kept = json.loads((made / "preparation.json").read_text())
    del kept["reading"]
    (made / "preparation.json").write_text(json.dumps(kept | {"format": 1}))
    return made, Path(table)


def test_run_recorded_without_a_reading_predicts_and_is_scored_as_it_was(
    before: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, table = before
    found = answered(folder, table, tmp_path / "prediction.parquet").set_index("row")
    scored = pd.read_csv(folder / "predictions.csv").set_index("sample_id")
    assert found.loc[scored.index, "predicted"].tolist() == scored["predicted"].tolist()
    assert evaluate(folder).accuracy == result_of(folder)["metrics"]["test"]["accuracy"]
    assert "was recorded before runs kept how they read a table" in caplog.text


def test_run_begun_without_a_reading_is_not_resumed(before: tuple[Path, Path]) -> None:
    with pytest.raises(TlxError, match="begun before runs kept how they read a table, and may"):
        resume(before[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"columns": 5}, "its reading of the columns is damaged"),
        ({"dialect": {"decimal": "point", "thousands": "point"}}, "is the same mark"),
        ({"columns": []}, "its reading of the columns does not fit its features"),
        (
            {"columns": [{"name": "a", "kind": "image"}]},
            "it reads a column as 'image', which tlx does not know",
        ),
    ],
)
def test_preparation_with_a_damaged_reading_is_one_sentence(
    change: dict[str, Any], said: str, source: tuple[Path, Path], tmp_path: Path
) -> None:
    kept = json.loads((source[0] / "preparation.json").read_text())
    path = tmp_path / "preparation.json"
    path.write_text(json.dumps(kept | {"reading": kept["reading"] | change}))
    with pytest.raises(TlxError, match=said):
        read_preparation(path)


def test_kinds_are_said_before_training_and_an_index_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame = stranger(code=[CODES[place % 3] for place in range(ROWS)])
    frame.insert(0, "", range(ROWS))
    caplog.set_level("INFO", "tlx")
    run(tmp_path / "run", written(tmp_path, frame), "trainer.epochs=1")
    told = next(text for text in caplog.messages if text.startswith("wines.csv: 240 rows; "))
    assert told.splitlines() == [
        "wines.csv: 240 rows; 'label' is predicted (classes, text as written); columns:",
        "  a     number    all 240 are numbers                              row 1: 0.025",
        "  code  category  row 1 says '01': codes keep their leading zeros  row 1: 01",
        "  left out 'Unnamed: 0': it has no name, as an index that was written along has none; "
        "\"data.numeric=['Unnamed: 0']\" takes it in",
    ]


def test_training_on_a_column_that_is_nearly_numbers_stops_before_any_folder(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, stranger(v=among(numbers(), row_101="n.d.")))
    with pytest.raises(ConfigError, match=r"239 of 240 are numbers; row 101 says 'n\.d\.'"):
        run(tmp_path / "run", path)
    assert not (tmp_path / "run").exists()
