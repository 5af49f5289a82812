from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tiny import result_of, run_tiny
from tlx.errors import TlxError
from tlx.evaluate import evaluate, main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    run_tiny(folder)
    return folder


@pytest.mark.parametrize("split", ["val", "test"])
def test_evaluate_finds_the_scores_that_the_run_recorded(run: Path, split: str) -> None:
    recorded = result_of(run)["metrics"][split]
    scores = evaluate(run, split).to_dict()
    assert scores["confusion_matrix"] == recorded["confusion_matrix"]
    assert scores["loss"] == pytest.approx(recorded["loss"], abs=1e-6)


def test_evaluate_command_prints_the_table_and_the_recorded_accuracy(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(run), "--split", "val"])
    said = capsys.readouterr().out
    accuracy = result_of(run)["metrics"]["val"]["accuracy"]
    assert "val, 30 images" in said
    assert said.endswith(f"recorded by the run: accuracy {accuracy:.4f}\n")


def test_evaluate_with_pictures_draws_what_the_run_drew(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    names = ("learning_curves.png", "confusion_matrix.png")
    for name in names:
        (folder / name).unlink()
    main([str(folder), "--pictures"])
    assert capsys.readouterr().out.endswith("".join(f"drawn: {folder / n}\n" for n in names))
    assert all((folder / name).read_bytes() == (run / name).read_bytes() for name in names)


def test_evaluate_of_no_run_says_so_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path)])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said == (
        f"tlx.evaluate: {tmp_path} is not the folder of a run: it has no result.json.\n"
    )


def test_evaluate_with_debug_raises(tmp_path: Path) -> None:
    with pytest.raises(TlxError):
        main([str(tmp_path), "--debug"])


def test_evaluate_of_an_unfinished_run_says_how_to_finish_it(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "unfinished"
    shutil.copytree(run, folder)
    text = (folder / "result.json").read_text().replace('"completed"', '"running"')
    (folder / "result.json").write_text(text)
    with pytest.raises(SystemExit):
        main([str(folder)])
    assert f"is running; finish it first with resume={folder}." in capsys.readouterr().err
