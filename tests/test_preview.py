from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.pictures import folder_of
from tests.data.wine_table import wines, written
from tlx.preview import main


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_preview_writes_a_picture_and_prints_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_of(tmp_path / "pets", {"cat": 20, "dog": 20})
    words = ["data=image_folder", "data.root=pets", "data.size=16", "data.cache=cache"]
    main([*words, "augmentation=strong", "augmentation.mixup_alpha=1", "--images", "3"])
    written = capsys.readouterr().out.strip()
    assert written == "outputs/previews/pets-strong-seed0.png"
    picture = np.asarray(Image.open(written).convert("RGB"))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500


def test_preview_without_augmentation_shows_the_same_image_in_every_row(tmp_path: Path) -> None:
    main(["data=digits", "--images", "2", "--to", "some/where.png"])
    main(["data=digits", "augmentation=light", "--images", "2", "--to", "other.png"])
    plain, changed = (np.asarray(Image.open(name)) for name in ("some/where.png", "other.png"))
    assert plain.shape == changed.shape
    assert not np.array_equal(plain, changed)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["data=image_folder"], "data.root=???: needs a value. Give data.root=VALUE."),
        (["augmentation=weak"], "augmentation/weak"),
    ],
)
def test_preview_of_what_cannot_be_ends_with_the_reason(
    words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words])
    assert ended.value.code == 1
    err = capsys.readouterr().err
    assert err.startswith("tlx.preview: ")
    assert text in err


def test_preview_of_no_images_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--images", "0"])
    assert "'0' is no number of images; give 1 or more" in capsys.readouterr().err


def test_preview_of_a_table_says_that_rows_have_no_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, wines())
    words = ["backbone=mlp", "strategy=structure_reuse", "strategy.init=scratch"]
    with pytest.raises(SystemExit):
        main(["data=table_csv", f"data.path={path}", *words])
    assert capsys.readouterr().err == (
        "tlx.preview: wines is a table, whose rows have no picture. Give data of images, such as "
        "data=digits.\n"
    )
