"""What is wrong with data is told in full: the file or value, the reason, the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.data.pictures import folder_of
from tests.data.wine_table import wines, written
from tests.strategies.fits import fit, random_task, small_backbone, training
from tlx.data.images.image_counts import data_record
from tlx.data.images.image_folder import ImageFolder
from tlx.data.images.image_table import ImageTable
from tlx.data.tables.table_csv import TableCsv
from tlx.errors import TlxError
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse


def images(root: Path, **options: Any) -> ImageFolder:
    return ImageFolder(
        root=str(root), size=8, threads=1, cache=str(root.parent / "cache"), **options
    )


def pets(folder: Path) -> Path:
    return folder_of(folder / "pets", {"cat": 20, "dog": 30})


def test_bomb_among_images_is_named_with_size_limit_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = pets(tmp_path)
    Image.new("L", (70, 70)).save(root / "cat/003.png")
    Image.new("L", (2000, 1)).save(root / "dog/001.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    with pytest.raises(TlxError) as error:
        images(root).load()
    assert str(error.value) == (
        "2 of 50 image files cannot be used: cat/003.png: too large to be safe, as a decompression "
        "bomb is: 4,900 pixels (PIL's limit: 4,000); make it smaller or cut it up; dog/001.png: "
        "too long a strip: 2000x1 pixels, which take 128,000 where the shorter side becomes 8 "
        "(PIL's limit: 4,000); cut it up. "
        "Repair or remove them, or leave them out with data.corrupt=skip."
    )
    skipped = data_record(images(root, corrupt="skip").load())["skipped"]
    assert list(skipped) == ["cat/003.png", "dog/001.png"]


def test_postscript_among_images_is_never_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import EpsImagePlugin

    def ghostscript(*_: Any, **__: Any) -> None:
        raise AssertionError("Ghostscript was started")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", ghostscript)
    root = pets(tmp_path)
    Image.new("RGB", (8, 8)).save(root / "cat/a.eps")
    assert data_record(images(root).load())["files"] == 50
    names = [f"{path.parent.name}/{path.name}" for path in root.rglob("*.*")]
    table = root / "table.csv"
    pd.DataFrame({"path": names, "label": [n[:3] for n in names]}).to_csv(table, index=False)
    with pytest.raises(TlxError) as error:
        ImageTable(table=str(table), size=8, cache=str(tmp_path / "cache"), threads=1).load()
    assert str(error.value) == (
        "1 of 51 image files cannot be used: cat/a.eps: it is PostScript, for which PIL would "
        "start Ghostscript; convert it to another format. "
        "Repair or remove them, or leave them out with data.corrupt=skip."
    )


def test_images_of_floating_point_numbers_are_named(tmp_path: Path) -> None:
    root = pets(tmp_path)
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(root / "dog/nan.tiff")
    with pytest.raises(TlxError) as error:
        images(root).load()
    assert str(error.value) == (
        "1 of 51 image files cannot be used: dog/nan.tiff: its pixels are floating-point numbers, "
        "whose range is unknown. Repair or remove them, or leave them out with data.corrupt=skip."
    )


def test_images_smaller_than_asked_are_named(tmp_path: Path) -> None:
    root = pets(tmp_path)
    Image.new("RGB", (9, 3)).save(root / "dog/tiny.png")
    with pytest.raises(TlxError) as error:
        images(root, min_side=4).load()
    assert str(error.value) == (
        "1 of 51 image files cannot be used: dog/tiny.png: 9x3 pixels, smaller than "
        "data.min_side=4. Repair or remove them, or leave them out with data.corrupt=skip."
    )


def test_images_of_every_mode_in_one_folder_become_rgb(tmp_path: Path) -> None:
    root = pets(tmp_path)
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    deep = Image.fromarray(np.full((8, 8), 0x8040, np.uint16))
    modes = {"L": red.convert("L"), "RGBA": red.convert("RGBA"), "P": red.quantize(4),
             "I;16": deep, "CMYK": red.convert("CMYK"), "LA": red.convert("LA"),
             "1": red.convert("1")}  # fmt: skip
    for number, (mode, image) in enumerate(modes.items()):
        image.save(root / f"cat/{mode[0]}{number}.{'tiff' if mode == 'CMYK' else 'png'}")
    task = images(root, test_fraction=0.02, val_fraction=0.02, overlap="drop").load()
    found = data_record(task)
    assert found["modes"] == {"RGB": 50} | dict.fromkeys(modes, 1)
    assert task.train.inputs.shape[1:] == (3, 8, 8)
    by_name = {name: image.convert("RGB") for name, image in modes.items() if name != "I;16"}
    expected = {np.asarray(image)[0, 0].tobytes() for image in by_name.values()}
    pixels = {bytes(image[:, 0, 0].numpy()) for image in task.train.inputs}
    held_out = {bytes(i[:, 0, 0].numpy()) for s in (task.val, task.test) for i in s.inputs}
    assert expected | {bytes([0x80] * 3)} <= pixels | held_out


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_table_value_that_is_not_finite_is_named(value: float, tmp_path: Path) -> None:
    frame = wines()
    frame.loc[2, "hue"] = value
    (fault,) = TableCsv(path=written(tmp_path, frame)).faults()
    kind = "missing" if np.isnan(value) else "infinite"
    assert str(fault) == (
        f"data.missing=error: column 'hue' has 1 {kind} value (the first in row 3). "
        "Choose data.missing=drop, mean, median or knn, or correct the table."
    )


def test_class_given_whose_images_are_too_few_is_named(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "pets", {"cat": 20, "dog": 2})
    assert [str(fault) for fault in images(root).faults()] == [
        "data.test_fraction=0.2: class 'dog' has 2 images, too few to deal out. "
        "Add images to it, or leave it out with data.classes."
    ]


@pytest.mark.parametrize("count", [9, 13])
def test_fit_of_batch_norm_with_a_last_batch_of_one_leaves_it_out(count: int) -> None:
    backbone = small_backbone("resnet18")
    trainer = fit(
        TransferModule(StructureReuse(backbone), training()), batch_size=4, task=random_task(count)
    )
    assert trainer.global_step == 2 * (count // 4)
