from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tlx.data.images.files.image_limits import ImageFileError
from tlx.data.images.stored.stored_form import StoredForm
from tlx.inference.images import load_pixels, stored_form


def test_load_pixels_turns_a_photo_upright_and_keeps_its_size(tmp_path: Path) -> None:
    left = np.zeros((2, 4, 3), np.uint8)
    left[0, 0] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(left).save(tmp_path / "a.png", exif=exif)
    pixels = load_pixels(tmp_path / "a.png", None, 8)
    assert (pixels.shape, pixels.dtype) == ((3, 4, 2), torch.uint8)
    assert pixels[:, 0, 1].tolist() == [255, 0, 0]


def test_load_pixels_in_a_stored_form_is_what_the_data_sets_decode(tmp_path: Path) -> None:
    ramp = np.arange(40 * 60, dtype=np.uint16).reshape(40, 60) % 251
    Image.fromarray(ramp.astype(np.uint8)).save(tmp_path / "a.png")
    form = stored_form({"size": 20, "resize": "squash", "seed": 0})
    assert form == StoredForm(20, "squash", depth="picture")
    pixels = load_pixels(tmp_path / "a.png", form, 20)
    expected = Image.open(tmp_path / "a.png").resize((20, 20), Image.Resampling.BILINEAR)
    assert pixels.shape == (3, 20, 20)
    assert np.array_equal(pixels[2].numpy(), np.asarray(expected))


def test_stored_form_of_data_without_files_is_none() -> None:
    assert stored_form({"train_per_class": 10, "seed": 0}) is None


@pytest.mark.parametrize(("name", "size"), [("CIFAR10", 32), ("Food101", 224)])
def test_stored_form_of_an_earlier_run_on_torchvision_s_data_is_the_size_that_they_chose(
    name: str, size: int
) -> None:
    data = {"name": name, "size": None, "resize": "crop"}
    assert stored_form(data) == StoredForm(size, depth="picture")
    assert stored_form(data | {"size": 96}) == StoredForm(96, depth="picture")


def test_load_pixels_never_starts_ghostscript(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    with pytest.raises(
        ImageFileError, match="it is PostScript, for which PIL would start Ghostscript"
    ):
        load_pixels(tmp_path / "a.png", None, 8)
