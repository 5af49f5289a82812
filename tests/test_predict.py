from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.inference.runs import small_run, write_test_images
from tests.tiny import environment_for_tlx
from tlx.inference import run as prediction_run
from tlx.inference.run import predict_files
from tlx.predict import main

IMAGES = 12


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("predict") / "run")


@pytest.fixture(scope="module")
def knn_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("predict") / "knn", "strategy=probe_knn")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write_test_images(tmp_path / "images", IMAGES)
    return tmp_path / "images"


def recorded(run: Path) -> pd.DataFrame:
    table = pd.read_csv(run / "predictions.csv", dtype={"predicted": str})
    return table[table.split == "test"].set_index("sample_id")


@pytest.mark.parametrize("which", ["run", "knn_run"])
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_predict_of_a_runs_own_test_images_gives_what_the_run_recorded(
    which: str, suffix: str, images: Path, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(which)
    output = images.parent / f"prediction{suffix}"
    done = predict_files(folder, images, output, device="cpu", batch_size=5)
    assert (done.rows, done.errors, done.kept_rows) == (IMAGES, 0, 0)
    if suffix == ".csv":
        prediction = pd.read_csv(output, dtype={"predicted": str})
    else:
        prediction = pd.read_parquet(output)
    assert prediction.row.tolist() == list(range(IMAGES))
    before = recorded(folder).loc[[int(name[:5]) for name in prediction.path]]
    assert prediction.predicted.tolist() == before.predicted.tolist()
    columns = [f"p_{digit}" for digit in range(10)]
    np.testing.assert_allclose(prediction[columns], before[columns], atol=2e-6)
    np.testing.assert_allclose(prediction[columns].sum(axis=1), 1, atol=1e-5)


def test_predict_of_bad_rows_says_why_in_each_and_goes_on(
    run: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = sorted(images.iterdir())[0].name
    (images / "cut.png").write_bytes((images / good).read_bytes()[:60])
    (images / "text.jpg").write_text("no image")
    Image.new("L", (70, 70)).save(images / "large.png")
    Image.new("L", (2000, 1)).save(images / "strip.png")
    os.mkfifo(images / "pipe.png")
    (images / "link.png").symlink_to(run / "learning_curves.png")
    outside = "../run/learning_curves.png"
    names = [good, "cut.png", "text.jpg", "large.png", "strip.png", "pipe.png", "link.png",
             outside, str(run / "learning_curves.png"), "none.png", "", good]  # fmt: skip
    pd.DataFrame({"image": names, "other": 1}).to_csv(images / "table.csv", index=False)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    output = images.parent / "prediction.parquet"
    done = predict_files(run, images / "table.csv", output, path_column="image", device="cpu")
    prediction = pd.read_parquet(output)
    assert done.errors == 10
    assert prediction.path.tolist() == [*names[:10], None, good]
    assert prediction.error.isna().tolist() == [True, *[False] * 10, True]
    assert (
        prediction.predicted.isna().tolist()
        == prediction.p_0.isna().tolist()
        == ([False, *[True] * 10, False])
    )
    assert prediction.p_3[0] == pytest.approx(prediction.p_3[11], abs=1e-6)
    says = prediction.error.tolist()[1:11]
    assert says[0].startswith("it is ")
    expected = [
        "it is no image that PIL can read",
        "too large to be safe, as a decompression bomb is: 4,900 pixels (PIL's limit: 4,000); "
        "make it smaller or cut it up",
        "too long a strip: 2000x1 pixels, which take 2,048,000 where the shorter side becomes 32 "
        "(PIL's limit: 4,000); cut it up",
        "it is no regular file",
        *[f"the path leaves {images}; name another folder with --root"] * 3,
        "there is no such file",
        "the row has no path",
    ]
    assert says[1:] == expected


def test_predict_of_a_bomb_beyond_pils_own_error_is_an_error_of_its_row(
    run: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (90, 90)).save(images / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)  # PIL raises above twice that
    output = images.parent / "prediction.parquet"
    assert predict_files(run, images, output, device="cpu").errors == 1
    prediction = pd.read_parquet(output).set_index("path")
    assert prediction.error["bomb.png"] == (
        "too large to be safe, as a decompression bomb is: 8,100 pixels (PIL's limit: 4,000); "
        "make it smaller or cut it up"
    )


def test_predict_broken_off_goes_on_with_the_missing_parts(
    run: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, output = images.parent / "whole.parquet", images.parent / "prediction.parquet"
    predict_files(run, images, whole, device="cpu", part_rows=5)
    read = prediction_run._read
    seen: list[str | None] = []

    def broken_off(name: str | None, **given: object) -> object:
        seen.append(name)
        if len(seen) == 8:
            raise KeyboardInterrupt
        return read(name, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(prediction_run, "_read", broken_off)
    with pytest.raises(KeyboardInterrupt):
        predict_files(run, images, output, device="cpu", part_rows=5, batch_size=2, threads=1)
    assert not output.exists()
    parts = images.parent / "prediction.parquet.parts"
    assert [path.name for path in sorted(parts.glob("*.parquet"))] == ["part-00000.parquet"]

    seen.clear()
    done = predict_files(run, images, output, device="cpu", part_rows=5)
    assert done.kept_rows == 5
    assert len(seen) == 7
    pd.testing.assert_frame_equal(pd.read_parquet(output), pd.read_parquet(whole))
    assert list(parts.glob("*.parquet")) == []

    seen.clear()
    again = predict_files(run, images, output, device="cpu", part_rows=5)
    assert (again.kept_rows, seen) == (IMAGES, [])


def test_predict_computes_a_damaged_part_again(run: Path, images: Path) -> None:
    output = images.parent / "prediction.parquet"
    predict_files(run, images, output, device="cpu", part_rows=5)
    first = pd.read_parquet(output)
    parts = images.parent / "prediction.parquet.parts"
    manifest = json.loads((parts / "manifest.json").read_text()) | {"complete": False}
    (parts / "manifest.json").write_text(json.dumps(manifest))
    (parts / "part-00001.parquet").write_bytes(b"PAR1 broken")
    output.unlink()
    assert predict_files(run, images, output, device="cpu", part_rows=5).kept_rows == 0
    pd.testing.assert_frame_equal(pd.read_parquet(output), first)


def test_predict_notices_another_model_or_input(
    run: Path, knn_run: Path, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = images.parent / "prediction.parquet"
    words = ["--input", str(images), "--output", str(output), "--device", "cpu"]
    main([str(run), *words])
    assert f"{output}: {IMAGES} images, 0 with an error" in capsys.readouterr().out
    for change, found in ((None, "model"), (images / "new.png", "input")):
        if change is not None:
            shutil.copy(sorted(images.iterdir())[0], change)
        with pytest.raises(SystemExit) as ended:
            main([str(run if change else knn_run), *words])
        assert ended.value.code == 1
        said = capsys.readouterr().err
        assert said.startswith(f"tlx.predict: {output}.parts was begun with another {found}. --ov")
    main([str(run), *words, "--overwrite"])
    assert f"{output}: {IMAGES + 1} images" in capsys.readouterr().out


def test_predict_never_writes_over_a_file_that_is_not_its_own(run: Path, images: Path) -> None:
    output = images.parent / "prediction.csv"
    output.write_text("mine")
    with pytest.raises(Exception, match=r"prediction.csv exists already. --overwrite starts anew"):
        predict_files(run, images, output, device="cpu")
    assert output.read_text() == "mine"


def test_predict_of_linked_folders_and_files_answers_each_row(run: Path, images: Path) -> None:
    linked = images.parent / "linked"
    linked.mkdir()
    (linked / "all").symlink_to(images)
    (linked / "one.png").symlink_to(sorted(images.iterdir())[0])
    done = predict_files(run, linked, images.parent / "prediction.csv", device="cpu")
    assert (done.rows, done.errors) == (IMAGES + 1, 0)
    prediction = pd.read_csv(images.parent / "prediction.csv").set_index("path")
    first = f"all/{sorted(images.iterdir())[0].name}"
    assert prediction.predicted["one.png"] == prediction.predicted[first]


def test_predict_without_a_single_answer_ends_with_an_error(
    run: Path, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = images.parent / "prediction.csv"
    for path in images.iterdir():
        path.write_bytes(b"")
    words = [str(run), "--input", str(images), "--output", str(output), "--device", "cpu"]
    for _ in range(2):  # predicted, and found to be complete
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 1
        told = capsys.readouterr()
        assert f"{output}: {IMAGES} images, {IMAGES} with an error" in told.out
        assert told.err.endswith(
            f"tlx.predict: none of the {IMAGES} images has a prediction; {output} says why for "
            "each. The first: the file is empty.\n"
        )
    Image.new("L", (32, 32)).save(sorted(images.iterdir())[0])
    main([*words, "--overwrite"])
    assert f"{IMAGES} images, {IMAGES - 1} with an error" in capsys.readouterr().out


def test_predict_of_no_run_says_what_a_run_holds_and_names_the_newest(
    run: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    words = ["--input", str(images), "--output", "prediction.csv"]
    for age, name in enumerate(("old", "new")):
        folder = tmp_path / "outputs" / "day" / name
        folder.mkdir(parents=True)
        for file in ("result.json", "model.safetensors"):
            shutil.copy(run / file, folder)
            os.utime(folder / file, (1e9 + age, 1e9 + age))
    with pytest.raises(SystemExit):
        main([str(images), *words])
    assert capsys.readouterr().err == (
        f"tlx.predict: {images} is not the folder of a run. A run's folder holds result.json, "
        "config.yaml and, once completed, model.safetensors. "
        "The newest runs here: outputs/day/new, outputs/day/old.\n"
    )


def test_predict_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from tlx.predict import main\n"
        "try: main(['--help'])\n"
        "finally: print([m for m in ('torch', 'pandas', 'pyarrow', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
        env=environment_for_tlx(), check=True,
    )  # fmt: skip
    assert "usage: python -m tlx.predict" in done.stdout
    assert done.stdout.endswith("[]\n")
