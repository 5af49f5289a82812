from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tlx.inference.parts import Parts
from tlx.texts.csv_cells import text_of_cell

SCHEMA = pa.schema([("predicted", pa.string()), ("p_=1", pa.float32()), ("error", pa.string())])
NAMES = ['=HYPERLINK("http://e")', "-2.5", None]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_join_of_names_like_formulas_marks_them_in_csv_alone(suffix: str, tmp_path: Path) -> None:
    import pandas as pd

    parts = Parts(tmp_path / f"prediction{suffix}", rows=3, part_rows=2, depends_on={})
    with parts.claimed():
        for index, names in enumerate((NAMES[:2], NAMES[2:])):
            shares, errors = [0.5] * len(names), [None] * len(names)
            table = pa.table([names, shares, errors], names=SCHEMA.names).cast(SCHEMA)
            parts.write(index, table)
        parts.join(SCHEMA)
    if suffix == ".parquet":
        assert pq.read_table(parts.output)["predicted"].to_pylist() == NAMES
        return
    written = pd.read_csv(parts.output, dtype={"predicted": str})
    assert written["predicted"][0] == f"'{NAMES[0]}"
    assert text_of_cell(written["predicted"][0]) == NAMES[0]
    assert written["predicted"][1] == "-2.5"
    assert written["p_=1"].tolist() == [0.5, 0.5, 0.5]
