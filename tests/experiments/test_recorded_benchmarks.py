"""The READMEs of the benchmarks show the tables that their recorded results give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from experiments import benchmarks
from experiments.benchmarks.cold_start.__main__ import table as cold_start
from experiments.benchmarks.growth.__main__ import table as growth
from experiments.benchmarks.probe_sweep.__main__ import table as probe_sweep
from experiments.benchmarks.single_run.comparison import table as single_run

TABLES = {
    "cold_start": cold_start,
    "growth": growth,
    "frozen_run": single_run,
    "partial_run": single_run,
    "probe_sweep": probe_sweep,
}


@pytest.mark.parametrize("name", TABLES)
def test_readme_shows_the_table_of_the_recorded_results_and_the_command(name: str) -> None:
    table: Callable[[pd.DataFrame], str] = TABLES[name]
    folder = Path(str(benchmarks.__file__)).parent / name
    readme = (folder / "README.md").read_text()
    assert table(pd.read_csv(folder / "results.csv")).strip() in readme
    assert f"python -m experiments.benchmarks.{name}\n" in readme
    assert (folder / "results.md").read_text().strip() in readme
