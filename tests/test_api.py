"""The door for Python, as a notebook uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from tests.data.wine_table import wines, written
from tests.tiny import TINY
from tlx import api
from tlx.errors import ConfigError, TlxError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> api.Run:
    folder = tmp_path_factory.mktemp("api") / "run"
    return api.train(*TINY, folder=folder, trainer__epochs=1)


def test_api_is_imported_without_torch_spark_or_lightning() -> None:
    code = (
        "import sys; from tlx import api; "
        "print(sorted({'torch', 'pyspark', 'pytorch_lightning', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_train_returns_a_finished_run_that_tells_of_itself(run: api.Run) -> None:
    assert run.status == "completed"
    assert run.config["trainer"]["epochs"] == 1
    assert set(run.scores) == {"val", "test"}
    assert 0 <= run.scores["test"]["accuracy"] <= 1
    assert len(run.history) == 1
    predictions = run.predictions
    right = predictions.query("split == 'test'").eval("label == predicted").mean()
    assert right == pytest.approx(run.scores["test"]["accuracy"])
    assert run.evaluate()["accuracy"] == pytest.approx(run.scores["test"]["accuracy"])
    assert repr(run) == f"<tlx run {run.folder}: completed>"


def test_run_in_a_cell_shows_scores_and_pictures_with_texts_escaped(run: api.Run) -> None:
    shown = run._repr_html_()
    assert f"<td>{run.scores['test']['accuracy']:.4f}</td>" in shown
    tested = len(run.predictions.query("split == 'test'"))
    assert f"<td>{tested}</td>" in shown
    assert shown.count("data:image/png;base64,") == len(run.figures) == 2
    assert run.figures[0]._repr_png_().startswith(b"\x89PNG")


def test_run_predicts_paths_and_folders_alike(run: api.Run, tmp_path: Path) -> None:
    for number in range(3):
        Image.new("L", (8, 8), 80 * number).save(tmp_path / f"{number}.png")
    by_folder = run.predict(tmp_path)
    by_paths = run.predict(sorted(tmp_path.glob("*.png")))
    assert list(by_folder["predicted"]) == list(by_paths["predicted"])
    assert by_folder["confidence"].tolist() == by_paths["confidence"].tolist()
    assert by_folder["error"].isna().all()


def test_load_of_a_run_tells_the_same_and_of_nothing_is_refused(
    run: api.Run, tmp_path: Path
) -> None:
    assert api.load(run.folder).scores == run.scores
    with pytest.raises(TlxError, match="is not the folder of a run"):
        api.load(tmp_path)


def test_train_of_faulty_words_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        api.train("strategy=partail", folder=tmp_path / "run")
    assert "Did you mean 'partial'?" in str(caught.value)
    with pytest.raises(ConfigError, match="Give KEY=VALUE"):
        api.train("-m", folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_run_on_a_table_predicts_a_frame(tmp_path: Path) -> None:
    path = written(tmp_path, wines())
    run = api.train(
        data="table_csv", data__path=path, backbone="mlp", strategy="structure_reuse",
        strategy__init="scratch", trainer__epochs=2, trainer__threads=1, folder=tmp_path / "run",
    )  # fmt: skip
    rows = pd.read_csv(path).head(5)
    found = run.predict(rows)
    assert found["row"].tolist() == [0, 1, 2, 3, 4]
    assert found["error"].isna().all()


def test_sweep_returns_one_row_per_job(tmp_path: Path) -> None:
    place = tmp_path / "it's a sweep"
    table = api.sweep(*TINY, "trainer.epochs=1", seed=[0, 1], folder=place)
    assert table["status"].tolist() == ["completed", "completed"]
    assert table["seed"].tolist() == [0, 1]
    assert table["test_accuracy"].between(0, 1).all()
    assert table.attrs["folder"] == str(place)


@pytest.mark.slow
def test_sweep_of_a_zip_pairs_its_values(tmp_path: Path) -> None:
    words = (*TINY, "zip(seed=[0,1],optimizer.lr=[1e-3,1e-2])")
    table = api.sweep(*words, folder=tmp_path / "sweep")
    assert table["status"].tolist() == ["completed", "completed"]
    assert table[["seed", "optimizer.lr"]].values.tolist() == [[0, 0.001], [1, 0.01]]


def test_sweep_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(TlxError, match="Did you mean 'partial'"):
        api.sweep(strategy="partail", folder=tmp_path / "sweep")


def test_backbones_are_those_of_the_command_line() -> None:
    table = api.backbones()
    assert "resnet50" in set(table["name"])
    assert list(table.columns) == ["name", "family"]
