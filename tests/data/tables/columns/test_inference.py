"""Columns as strangers write them: what is read, with its reason, or what has to be said first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.data.tables.strangers import ROWS, among, numbers, stranger
from tests.data.wine_table import written
from tlx.data.tables.table_csv import TableCsv

WORDS = "data.categorical=[v] to take each text as a category"
OUT = "data.exclude=[v] to leave it out"


def chosen(*words: str) -> list[str]:
    return [words[place % len(words)] for place in range(ROWS)]


def faults(folder: Path, frame: pd.DataFrame, **options: Any) -> list[str]:
    return [str(fault) for fault in TableCsv(path=written(folder, frame), **options).faults()]


def commas(texts: list[str]) -> list[str]:
    return [text.replace(".", ",") for text in texts]


DAYS = pd.date_range("2020-01-31", periods=ROWS)
GUESSES: dict[str, tuple[Callable[[], list[str]], str]] = {
    "a marker": (
        lambda: among(numbers(), row_101="n.d."),
        "239 of 240 are numbers; row 101 says 'n.d.'. Say which: data.missing_markers=[n.d.] "
        f"('n.d.' stands for nothing) to read numbers; or {WORDS}; or {OUT}.",
    ),
    "several markers": (
        lambda: among(numbers(), row_4="NA", row_9="-", row_10="NA"),
        "237 of 240 are numbers; row 4 says 'NA', row 9 says '-' (and 1 more cell is none). "
        "Say which: data.missing_markers=[NA,-] ('NA' and '-' stand for nothing) to read numbers; "
        f"or {WORDS}; or {OUT}.",
    ),
    "a comma of thousands": (
        lambda: among(numbers(), row_101="1,234"),
        "239 of 240 are numbers; row 101 says '1,234'. Say which: data.thousands=comma to read "
        f"numbers; or {WORDS}; or {OUT}.",
    ),
    "a comma of either kind": (
        lambda: among([text.replace(".", "") for text in numbers()], row_6="1,234"),
        "239 of 240 are numbers; row 6 says '1,234'. Say which: data.thousands=comma where "
        "'1,234' is above a thousand, or data.decimal=comma where it is not to read numbers; or "
        f"{WORDS}; or {OUT}.",
    ),
    "both decimal marks": (
        lambda: among(numbers(), row_6="1,5"),
        f"239 of 240 are numbers; row 6 says '1,5'. Correct the cells; or {WORDS}; or {OUT}.",
    ),
    "percents": (
        lambda: [f"{text}%" for text in numbers()],
        "0 of 240 are numbers; row 1 says '53.46%', row 2 says '58.22%', row 3 says '53.30%' (and "
        f"237 more cells are none). Say which: data.units=[%] to read numbers; or {WORDS}; or "
        f"{OUT}.",
    ),
    "prices": (
        lambda: [f"$1,{place:03d}.50" for place in range(ROWS)],
        "0 of 240 are numbers; row 1 says '$1,000.50', row 2 says '$1,001.50', row 3 says "
        "'$1,002.50' (and 237 more cells are none). Say which: data.thousands=comma and "
        f"\"data.units=['\\$']\" to read numbers; or {WORDS}; or {OUT}.",
    ),
    "two units": (
        lambda: [f"{place} {'kg' if place % 2 else 'g'}" for place in range(ROWS)],
        "0 of 240 are numbers; row 1 says '0 g', row 2 says '1 kg', row 3 says '2 g' (and 237 "
        f"more cells are none), so that not all have the same unit. Correct the cells; or {WORDS}; "
        f"or {OUT}.",
    ),
    "limits of detection": (
        lambda: among(numbers(), row_4="<0.1"),
        f"239 of 240 are numbers; row 4 says '<0.1'. Correct the cells; or {WORDS}; or {OUT}.",
    ),
    "ISO dates": (
        lambda: DAYS.strftime("%Y-%m-%d").tolist(),
        "240 of 240 are dates; row 1 says '2020-01-31'. Say which: data.dates=[v] to make days "
        f"since 1970 of it; or {WORDS}; or {OUT}.",
    ),
    "written dates": (
        lambda: DAYS.strftime("%d %b %Y").tolist(),
        "240 of 240 are dates; row 1 says '31 Jan 2020'. Say which: data.dates=[v] to make days "
        f"since 1970 of it; or {WORDS}; or {OUT}.",
    ),
    "times": (
        lambda: [f"{place % 24}:30" for place in range(ROWS)],
        f"240 of 240 are times of day or durations; row 1 says '0:30'. Say which: {WORDS}; or "
        f"{OUT}.",
    ),
    "lists": (
        lambda: [f"[{place},2]" for place in range(ROWS)],
        f"240 of 240 are lists; row 1 says '[0,2]'. Say which: {OUT}; or {WORDS}.",
    ),
    "one leading zero": (
        lambda: among([str(place % 50) for place in range(ROWS)], row_8="007"),
        "all 240 are numbers, and row 8 says '007' with a leading zero. Say which: "
        f"data.numeric=[v] to read numbers; or {WORDS}.",
    ),
    "names": (
        lambda: [f"name {place}x" for place in range(ROWS)],
        "240 different texts in 240 rows, as names and identifiers have; row 1 says 'name 0x'. "
        f"Say which: {OUT}; or {WORDS}.",
    ),
    "long identifiers": (
        lambda: [str(12345678901234567 + 7 * place) for place in range(ROWS)],
        "row 1 says '12345678901234567', which has more digits than a number keeps. Say which: "
        f"{OUT}; or {WORDS}; or data.numeric=[v] to read numbers.",
    ),
    "other digits": (
        lambda: among(numbers(), row_2="\u2212" + "5.1"),
        f"239 of 240 are numbers; row 2 says '\u22125.1'. Correct the cells; or {WORDS}; or {OUT}.",
    ),
}


@pytest.mark.parametrize("what", GUESSES)
def test_column_that_would_be_a_guess_is_refused_with_what_settles_it(
    what: str, tmp_path: Path
) -> None:
    column, said = GUESSES[what]
    assert faults(tmp_path, stranger(v=column())) == [f"column=v: {said}"]


def test_decimal_points_beside_decimal_commas_are_refused(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, stranger(v=commas(numbers())), decimal="comma")
    assert fault.startswith("column=a: 0 of 240 are numbers; row 1 says '0.025', ")
    assert "with another decimal mark than data.decimal says. Correct the cells; or " in fault


def test_markers_of_several_columns_are_advised_together(tmp_path: Path) -> None:
    frame = stranger(v=among(numbers(), row_3="n.d."), w=among(numbers(), row_4="?"))
    said = faults(tmp_path, frame)
    assert [fault.split(":")[0] for fault in said] == ["column=v", "column=w"]
    assert all('"data.missing_markers=[n.d.,?]"' in fault for fault in said)


PLAIN = np.array(numbers(), dtype=np.float64)
SETTLED: dict[str, tuple[list[str], dict[str, Any], Any]] = {
    "thousands": ([f"{x * 1000:,.2f}" for x in PLAIN], {"thousands": ","}, PLAIN * 1000),
    "decimal comma": (commas(numbers()), {"decimal": ",", "exclude": ("a",)}, PLAIN),
    "both": (
        [f"{x * 1000:,.2f}".translate(str.maketrans(",.", ".,")) for x in PLAIN],
        {"decimal": "comma", "thousands": "point", "exclude": ("a",)},
        PLAIN * 1000,
    ),
    "spaces": (
        [f"{x * 1000:,.1f}".replace(",", "\u202f") for x in PLAIN],
        {"thousands": "space"},
        (PLAIN * 1000).round(1),
    ),
    "percent": ([f"{x:.2f} %" for x in PLAIN], {"units": ["%"]}, PLAIN),
    "money": ([f"-€{x:.2f}" for x in PLAIN], {"units": ("€",)}, -PLAIN),
    "dates": (
        DAYS.strftime("%d.%m.%Y").tolist(),
        {"dates": ("v",), "date_format": "%d.%m.%Y"},
        np.arange(ROWS) + 18292,
    ),
    "moments": (
        [f"{day:%Y-%m-%d}T18:00:00+06:00" for day in DAYS],
        {"dates": ("v",)},
        np.arange(ROWS) + 18292.5,
    ),
}


@pytest.mark.parametrize("what", SETTLED)
def test_column_that_an_option_settles_gives_its_numbers(what: str, tmp_path: Path) -> None:
    column, options, expected = SETTLED[what]
    source = TableCsv(path=written(tmp_path, stranger(v=column)), scaling="none", **options)
    task = source.load()
    place = task.about["features"].index("v")
    for split in (task.train, task.val, task.test):
        rows = split.sample_ids.numpy()
        np.testing.assert_allclose(split.inputs[:, place], expected[rows], rtol=1e-6)


def test_missing_marker_is_missing_however_a_number_is_written(tmp_path: Path) -> None:
    column = among(numbers(), row_5="-999", row_9="-999.0", row_11="n.d.", row_12=" ")
    path = written(tmp_path, stranger(v=column))
    options: dict[str, Any] = {"missing_markers": (-999, "n.d."), "missing": "median"}
    task = TableCsv(path=path, **options).load()
    assert sum(counts["v"] for counts in task.about["imputed"].values()) == 4
    dropped = TableCsv(path=path, **options | {"missing": "drop"}).load()
    assert dropped.about["rows_dropped_that_lack"] == {"v": 4}


@pytest.mark.parametrize(
    ("column", "kind", "reason", "notice"),
    [
        (
            chosen("01", "02", "A1"), "category",
            "row 1 says '01': codes keep their leading zeros",
            "160 of 240 are numbers, and read as text like the others",
        ),
        (
            chosen("01", "02", "11"), "category",
            "row 1 says '01': codes keep their leading zeros",
            "read as codes, text as written; data.numeric=[v] reads numbers",
        ),
        (
            chosen("True", "true", "False"), "category", "3 different texts in 240 rows",
            "'True' and 'true' are categories of their own: write one of them in the table if "
            "they are one",
        ),
        (
            chosen("yes", "1", "no"), "category", "3 different texts in 240 rows",
            "'yes' and '1' are categories of their own: write one of them in the table if they "
            "are one",
        ),
        (
            chosen("1.1", "1.10", "2"), "number", "all 240 are numbers",
            "'1.1' and '1.10' are the same number here; data.categorical=[v] keeps them apart",
        ),
        (
            [str(1000 + 2 * place) for place in range(ROWS)], "number", "all 240 are numbers",
            "it rises from row to row, as an index does; data.exclude=[v] leaves it out if it is "
            "one",
        ),
        (
            DAYS.strftime("%Y%m%d").tolist()[::-1], "number", "all 240 are numbers",
            "read as numbers; data.dates=[v] data.date_format=%Y%m%d reads dates, if they are "
            "some",
        ),
    ],
)  # fmt: skip
def test_column_read_with_a_notice_tells_kind_reason_and_option(
    column: list[str], kind: str, reason: str, notice: str, tmp_path: Path
) -> None:
    task = TableCsv(path=written(tmp_path, stranger(v=column))).load()
    (read,) = [one for one in task.about["columns"] if one["name"] == "v"]
    assert (read["kind"], read["reason"]) == (kind, reason)
    said = [one.partition(": ")[2] for one in task.about["notices"]]
    assert said == [notice]


@pytest.mark.parametrize(
    ("name", "column", "why"),
    [
        ("", range(ROWS), "it has no name, as an index that was written along has none"),
        ("Unnamed: 0.1", ["q"] * ROWS, "it has no name, as an index that was written along"),
        ("id", range(1, ROWS + 1), "it numbers the rows (1 to 240)"),
        (
            "id", np.random.default_rng(0).permutation(ROWS),
            "it numbers the rows in another order (0 to 239)",
        ),
        ("v", [""] * ROWS, "it is empty in every row"),
    ],
)  # fmt: skip
def test_column_that_only_numbers_rows_is_left_out_and_named(
    name: str, column: Any, why: str, tmp_path: Path
) -> None:
    frame = stranger()
    frame.insert(0, name, list(column))
    task = TableCsv(path=written(tmp_path, frame)).load()
    assert task.about["features"] == ["a"]
    ((left, said),) = task.about["columns_left_out"].items()
    assert left == (name or "Unnamed: 0")
    assert said.startswith(why)


def test_index_column_asked_for_by_name_is_taken_in(tmp_path: Path) -> None:
    frame = stranger()
    frame.insert(0, "", range(ROWS))
    source = TableCsv(path=written(tmp_path, frame), numeric=("Unnamed: 0",))
    assert source.load().about["features"] == ["Unnamed: 0", "a"]


def test_columns_and_exclude_choose_and_the_others_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, stranger(v=numbers(), w=chosen("p", "q")))
    assert TableCsv(path=path, exclude=("v",)).load().about["features"] == ["a", "w=p", "w=q"]
    task = TableCsv(path=path, columns=("v",), categorical=("w",)).load()
    assert task.about["features"] == ["v", "w=p", "w=q"]
    assert task.about["columns_left_out"] == {"a": "data.columns does not list it"}


def test_choice_that_contradicts_itself_is_refused_all_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, stranger(v=numbers()))
    options: dict[str, Any] = {"numeric": ("v", "label"), "dates": ("v",), "exclude": ("v",)}
    assert [str(fault) for fault in TableCsv(path=path, **options).faults()] == [
        "data.numeric=v: data.exclude lists the column too. List it once.",
        "data.dates=v: data.numeric lists the column too. List it once.",
        "data.label_column=label: the column to predict is listed among the features. Take it out "
        "of data.numeric.",
    ]


LABELS = ("01", "1", "None", "NA", "nan", "True", "true", "1.1", "1.10", "N/A", "null")


def test_labels_are_classes_exactly_as_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = [LABELS[place % len(LABELS)] for place in range(ROWS)]
    task = TableCsv(path=written(tmp_path, stranger().assign(label=labels))).load()
    assert task.class_names == tuple(sorted(LABELS))
    for split in (task.train, task.val, task.test):
        pairs = zip(split.labels.tolist(), split.sample_ids.tolist(), strict=True)
        assert all(task.class_names[label] == labels[row] for label, row in pairs)
    assert "'True' and 'true' are two classes: labels are text as written" in caplog.text


def test_label_column_with_a_stray_cell_in_a_regression_names_row_and_options(
    tmp_path: Path,
) -> None:
    frame = stranger().assign(label=among(numbers(), row_8="n.d."))
    assert faults(tmp_path, frame, task="regression") == [
        "data.label_column=label: 239 of 240 are numbers; row 8 says 'n.d.'. Say which: "
        "data.missing_markers=[n.d.] ('n.d.' stands for nothing) to read numbers; or "
        "data.task=classification to learn classes."
    ]


def test_missing_drop_that_would_lose_a_class_is_refused(tmp_path: Path) -> None:
    frame = stranger(v=chosen("p", "q"))
    frame.loc[frame["label"] == "z", "v"] = ""
    assert faults(tmp_path, frame, missing="drop") == [
        "data.missing=drop: it leaves no row of class 'z' (of the rows left out 80 lack 'v'). "
        "Fill the values in (data.missing=median), data.exclude the columns that lack them, or "
        "name the other classes in data.classes."
    ]
    assert faults(tmp_path, frame, missing="drop", classes=("x", "y")) == []


def test_missing_drop_counts_rows_by_what_they_lack(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame = stranger(v=among(numbers(), row_1="", row_2=""))
    frame.loc[[2, 3, 4], "label"] = ""
    TableCsv(path=written(tmp_path, frame), missing="drop").load()
    assert (
        "data.missing=drop left out 5 of 240 rows for what they lack (nothing to predict: 3, v: 2)"
        in caplog.text
    )
