from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.tiny import command, result_of
from tlx.comparisons.regression_transfer import RUNS
from tlx.comparisons.runs import run_folder
from tlx.comparisons.summary import summary
from tlx.config.builders import made_experiment
from tlx.config.composition import compose_config
from tlx.data.tables.shipped_tables import table_path
from tlx.errors import ConfigError
from tlx.reports.across_seeds import markdown_table

SMALL = ("trainer.epochs=1", "experiment.source_epochs=2", "experiment.scratch_epochs=3",
         "experiment.seeds=[7]", "trainer.threads=1")  # fmt: skip


def run_experiment(cwd: Path, *arguments: str) -> Any:
    """Run it from a folder, into `all` there."""
    words = ("experiment=regression_transfer", *SMALL, "hydra.run.dir=all", *arguments)
    done = command("tlx.train", *words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_train_of_the_experiment_yields_four_runs_one_table_and_one_picture(
    tmp_path: Path,
) -> None:
    done = run_experiment(tmp_path)
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


@pytest.mark.slow
def test_experiment_takes_own_tables_from_the_folder_it_was_started_in(tmp_path: Path) -> None:
    # A file of one's own that is called as a shipped table is no other one with ./ before it.
    own = {"source": "./mine.csv", "target": "./target_curve"}
    for name, file in own.items():
        rows = pd.read_csv(table_path(f"{name}_curve"))
        rows.assign(y=rows["y"] + 1000).to_csv(tmp_path / file, index=False)
    asked = (f"experiment.source={own['source']}", f"data.path={own['target']}")
    run_experiment(tmp_path, *asked, "hydra.job.chdir=true")
    for run in RUNS:
        folder = run_folder(tmp_path / "all", 7, run)
        file = own["source" if run == "source" else "target"]
        config = yaml.safe_load((folder / "config.yaml").read_text())
        assert config["data"]["path"] == str(tmp_path / file)
        assert pd.read_csv(folder / "predictions.csv")["target"].min() > 900
    assert (tmp_path / "all/curves.png").is_file()


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
