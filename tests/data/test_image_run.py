"""Whole runs on image files: from memory, from disk, scored again, and fold by fold."""

from __future__ import annotations

from pathlib import Path
from statistics import mean, stdev

import pytest

from tests.data.pictures import folder_of
from tests.tiny import result_of
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.data.images import image_options
from tlx.errors import ConfigError, TlxError
from tlx.evaluate import evaluate
from tlx.train import main, train

WORDS = (
    "data=image_folder", "data.size=8", "data.threads=1", "backbone=squeezenet1_1",
    "backbone.weights=null", "backbone.image_size=32", "trainer.epochs=1", "trainer.threads=1",
)  # fmt: skip


@pytest.fixture(autouse=True)
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return folder_of(tmp_path / "pets", {"cat": 20, "dog": 30})


def run(name: str, *words: str) -> dict[str, object]:
    train(compose_config([*WORDS, "data.root=pets", *words]), Path(name))
    return result_of(Path(name))


def test_run_records_its_files_and_is_scored_again_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pets/cat/000.png").write_bytes(b"")
    result = run("run", "strategy=structure_reuse", "strategy.init=scratch", "data.corrupt=skip")
    data = result["data"]
    assert isinstance(data, dict)
    assert data["images"]["test"] == {"cat": 4, "dog": 6}
    assert data["skipped"] == {"cat/000.png": "the file is empty"}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    scores = evaluate(tmp_path / "run")
    metrics = result["metrics"]
    assert isinstance(metrics, dict)
    assert scores.accuracy == metrics["test"]["accuracy"]


def test_run_whose_data_has_other_classes_by_now_is_not_scored_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("run", "strategy=structure_reuse", "strategy.init=scratch")
    (tmp_path / "pets/dog").rename(tmp_path / "pets/wolf")
    monkeypatch.setattr(image_options, "LISTING_KEEPS_S", 0)
    with pytest.raises(TlxError) as error:
        evaluate(Path("run"))
    assert str(error.value) == (
        "the data of run has other classes now (cat, wolf) than its model was trained on "
        "(cat, dog). Restore the data, or label files with python -m tlx.predict."
    )
    folder_of(tmp_path / "pets", {"emu": 20}, first=99)
    with pytest.raises(TlxError, match="other classes now \\(cat, emu, wolf\\)"):
        evaluate(Path("run"))


def test_images_too_small_for_the_backbone_are_a_fault() -> None:
    words = [*WORDS, "data.root=pets", "backbone.image_size=8", "strategy.init=scratch"]
    with pytest.raises(ConfigError) as error:
        checked_plan(compose_config([*words, "strategy=structure_reuse"]))
    assert str(error.value) == (
        "backbone.image_size=8: squeezenet1_1 shrinks images of this size to nothing. "
        "Use image_size=17 or more."
    )


@pytest.mark.parametrize("activations", ["on", "off"])
def test_run_on_mapped_images_gives_the_numbers_of_one_in_memory(activations: str) -> None:
    results = [
        run(memory, f"data.memory={memory}", f"activations={activations}")
        for memory in ("load", "map")
    ]
    loaded, mapped = (result["metrics"] for result in results)
    assert loaded == mapped


def test_folds_are_one_run_each_with_mean_and_spread_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*WORDS, "data.root=pets", "data.folds=3", "hydra.sweep.dir=sweep"]
    monkeypatch.setattr("sys.argv", ["tlx.train", *arguments])
    main()
    said = capsys.readouterr().out
    assert "sweep: 3 jobs, 3 completed" in said
    table = [line for line in said.splitlines() if line.startswith("|")]
    assert len(table) == 3
    rank, runs, val, test = (cell.strip() for cell in table[2].strip("|").split("|"))
    assert (rank, runs) == ("1", "3")
    results = [result_of(Path(f"sweep/{job}")) for job in range(3)]
    for shown, split in ((val, "val"), (test, "test")):
        scores = [result["metrics"][split]["accuracy"] for result in results]
        assert shown == f"{mean(scores):.4f} ± {stdev(scores):.4f}"
    assert sum(sum(result["data"]["images"]["test"].values()) for result in results) == 50
