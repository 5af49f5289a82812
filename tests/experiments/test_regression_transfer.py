from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.regression_transfer import tables
from tlx.comparisons.summary import summary
from tlx.data.tables.shipped_tables import shipped_tables, table_path
from tlx.reports.across_seeds import markdown_table

FOLDER = Path(tables.__file__).parent


@pytest.mark.parametrize("name", ["source", "target"])
def test_shipped_table_is_what_its_script_makes(name: str) -> None:
    shipped = pd.read_csv(table_path(f"{name}_curve"))
    np.testing.assert_allclose(shipped, tables.table(name), atol=1e-9)
    left_over = shipped["y"] - tables.CURVES[name](shipped["x"].to_numpy())
    assert left_over.std() == pytest.approx(tables.NOISE, rel=0.15)


def test_every_shipped_table_has_its_script() -> None:
    assert shipped_tables() == tuple(f"{name}_curve" for name in tables.CURVES)


def test_recorded_table_is_that_of_the_recorded_results() -> None:
    recorded = pd.read_csv(FOLDER / "results.csv")
    assert markdown_table(summary(recorded)).strip() in (FOLDER / "README.md").read_text()


def test_recorded_adaptation_beats_scratch_in_as_many_epochs() -> None:
    recorded = pd.read_csv(FOLDER / "results.csv")
    errors = recorded.pivot_table(index="seed", columns="run", values="test_rmse")
    assert (errors["adapted"] < errors["scratch, as short"]).all()
