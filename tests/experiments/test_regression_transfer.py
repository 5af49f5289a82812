from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from experiments.regression_transfer import tables
from experiments.regression_transfer.comparison import RUNS, summary
from tests.tiny import command, result_of
from tlx.config.builders import made_experiment
from tlx.config.composition import compose_config
from tlx.errors import ConfigError
from tlx.reports.across_seeds import markdown_table

FOLDER = tables.FOLDER
ROOT = FOLDER.parent.parent
SMALL = ("trainer.epochs=1", "experiment.source_epochs=2", "experiment.scratch_epochs=3",
         "experiment.seeds=[7]", "trainer.threads=1")  # fmt: skip


@pytest.mark.parametrize("name", ["source", "target"])
def test_shipped_table_is_what_its_script_makes(name: str) -> None:
    shipped = pd.read_csv(FOLDER / f"{name}.csv")
    np.testing.assert_allclose(shipped, tables.table(name), atol=1e-9)
    left_over = shipped["y"] - tables.CURVES[name](shipped["x"].to_numpy())
    assert left_over.std() == pytest.approx(tables.NOISE, rel=0.15)


def test_train_of_the_experiment_yields_four_runs_one_table_and_one_picture(
    tmp_path: Path,
) -> None:
    arguments = ("experiment=regression_transfer", *SMALL, f"hydra.run.dir={tmp_path / 'all'}")
    done = command("tlx.train", *arguments, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "all"
    results = pd.read_csv(folder / "results.csv")
    assert tuple(results["run"]) == RUNS
    assert results["epochs"].tolist() == [2, 1, 1, 3]
    table = (folder / "results.md").read_text()
    assert table == markdown_table(summary(results))
    assert table.rstrip() in done.stdout
    for row in results.itertuples():
        run = folder / "seed-7" / str(row.run).replace(", ", "_").replace(" ", "_")
        assert result_of(run)["metrics"]["test"]["rmse"] == pytest.approx(row.test_rmse)
        config = (run / "config.yaml").read_text()
        assert (f"weights: {folder / 'seed-7/source'}" in config) == (row.run == "adapted")
    with Image.open(folder / "curves.png") as image:
        assert image.width > 1500


def test_experiment_with_wrong_options_or_tables_says_so(tmp_path: Path) -> None:
    pair = pd.DataFrame({name: np.sin(np.arange(20.0) + at) for at, name in enumerate("xzy")})
    pair.to_csv(tmp_path / "two.csv", index=False)
    words = ["experiment=regression_transfer", f"experiment.source={tmp_path / 'two.csv'}"]
    cfg = compose_config(words)
    experiment = made_experiment(cfg)
    assert experiment is not None
    assert [str(fault) for fault in experiment.faults(cfg)] == [
        f"data.path={tmp_path / 'two.csv'}: the table of 'source' gives 2 features. "
        "The picture draws curves over one: name it with data.columns=[x]."
    ]
    with pytest.raises(ConfigError, match=r"experiment.seeds=\[\]: .* It takes a list"):
        made_experiment(compose_config([words[0], "experiment.seeds=[]"]))


def test_recorded_table_is_that_of_the_recorded_results() -> None:
    recorded = pd.read_csv(FOLDER / "results.csv")
    assert markdown_table(summary(recorded)).strip() in (FOLDER / "README.md").read_text()


def test_recorded_adaptation_beats_scratch_in_as_many_epochs() -> None:
    recorded = pd.read_csv(FOLDER / "results.csv")
    errors = recorded.pivot_table(index="seed", columns="run", values="test_rmse")
    assert (errors["adapted"] < errors["scratch, as short"]).all()
