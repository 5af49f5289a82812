from __future__ import annotations

import logging
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tlx.data.images.files.grey_levels import DeepLevels
from tlx.data.images.files.image_file import read_image
from tlx.data.images.files.image_limits import ImageFileError
from tlx.data.images.image_folder import ImageFolder
from tlx.data.images.stored.stored_form import StoredForm
from tlx.errors import TlxError

LEVELS = np.array([[0, 128, 129], [250, 4095, 65535], [257, 32768, 1000]], np.uint16)


def grey(path: Path, levels: np.ndarray[Any, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)
    return path


def png_of_16_bits(path: Path, levels: np.ndarray[Any, Any], colour_type: int) -> Path:
    """Write a PNG of 16 bits per channel, which PIL reads and does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        end = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + end

    height, width = levels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_levels_of_16_bits_are_divided_by_257_whatever_they_are(
    suffix: str, tmp_path: Path
) -> None:
    found = read_image(grey(tmp_path / f"a.{suffix}", LEVELS), StoredForm(3))
    assert np.array_equal(found.pixels[0], np.rint(LEVELS / 257))
    assert (found.pixels[0] == found.pixels[2]).all()
    assert (found.mode, found.highest) == ("I;16", 65535)
    dark = read_image(grey(tmp_path / f"b.{suffix}", LEVELS % 250), StoredForm(3))
    assert dark.pixels.max() == 1
    assert dark.highest == int((LEVELS % 250).max())


def test_levels_of_a_pgm_are_on_the_scale_that_the_file_tells(tmp_path: Path) -> None:
    levels = np.array([[0, 4095], [2048, 16]], ">u2")
    (tmp_path / "a.pgm").write_bytes(b"P5 2 2 4095\n" + levels.tobytes())
    found = read_image(tmp_path / "a.pgm", StoredForm(2))
    assert (found.mode, found.pixels[0].tolist()) == ("I", [[0, 255], [128, 1]])


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_levels_of_fewer_bits_in_16_are_spread_where_that_is_said(
    bits: int, tmp_path: Path
) -> None:
    most = 2**bits - 1
    path = grey(tmp_path / "a.png", np.array([[0, most], [most // 2, most // 3]], np.uint16))
    pixels = read_image(path, StoredForm(2, depth=bits)).pixels[0]
    assert pixels.tolist() == [[0, 255], [round(most // 2 * 255 / most), 85]]


@pytest.mark.parametrize(
    ("levels", "depth", "reason"),
    [
        (
            np.array([[5, 4096]], np.uint16),
            12,
            "its grey levels go from 0 to 4096, and data.depth=12 is for 0 to 4095; say "
            "data.depth=13",
        ),
        (
            np.array([[5, 70000]], np.int32),
            16,
            "its grey levels go from 0 to 70000, and data.depth=16 is for 0 to 65535; convert it "
            "to grey levels of 8 or 16 bits",
        ),
        (
            np.array([[-3, 70]], np.int32),
            8,
            "its grey levels go from -3 to 70, and data.depth=8 is for 0 to 255; convert it to "
            "grey levels of 8 or 16 bits",
        ),
        (
            np.array([[0.5, 1]], np.float32),
            16,
            "its pixels are floating-point numbers, whose range is unknown",
        ),
    ],
    ids=["more than 12 bits", "more than 16 bits", "below 0", "float"],
)
def test_levels_that_the_depth_cannot_hold_are_refused(
    levels: np.ndarray[Any, Any], depth: int, reason: str, tmp_path: Path
) -> None:
    path = grey(tmp_path / "a.tif", levels)
    with pytest.raises(ImageFileError) as error:
        read_image(path, StoredForm(1, depth=depth))
    assert str(error.value) == reason


@pytest.mark.parametrize(("channels", "colour_type"), [(3, 2), (2, 4), (4, 6)])
def test_colours_of_16_bits_keep_the_upper_8_and_no_other_depth(
    channels: int, colour_type: int, tmp_path: Path
) -> None:
    levels = np.full((2, 2, channels), 65535, np.uint16)
    levels[..., 0] = 0x1234
    path = png_of_16_bits(tmp_path / "a.png", levels, colour_type)
    found = read_image(path, StoredForm(2))
    assert found.pixels[0].tolist() == [[0x12, 0x12]] * 2
    assert found.mode == f"{'RGB' if channels == 3 else 'RGBA'};16"
    with pytest.raises(ImageFileError) as error:
        read_image(path, StoredForm(2, depth=12))
    assert str(error.value) == (
        "its colours have 16 bits, of which PIL reads the upper 8, so data.depth=12 cannot be had "
        "of them; save it with 8 bits per colour"
    )


def test_levels_of_runs_recorded_before_are_guessed_by_picture_as_they_were(
    tmp_path: Path,
) -> None:
    form = StoredForm(2, depth="picture")
    dark = np.array([[0, 250], [9, 7]], np.uint16)
    assert read_image(grey(tmp_path / "a.png", dark), form).pixels[0].tolist() == dark.tolist()
    bright = np.array([[0, 255], [256, 65535]], np.uint16)
    found = read_image(grey(tmp_path / "b.png", bright), form).pixels[0]
    assert found.tolist() == [[0, 0], [1, 255]]


def levels_of(*pictures: tuple[int | None, str]) -> DeepLevels:
    levels = DeepLevels()
    for highest, mode in pictures:
        levels = levels.with_picture(highest, mode)
    return levels


def test_levels_that_use_the_whole_depth_are_not_noticed() -> None:
    assert levels_of((None, "RGB"), (None, "L")).notice(16) is None
    assert levels_of((65000, "I;16"), (300, "I;16")).notice(16) is None
    assert levels_of((250, "I;16")).notice(8) is None
    assert levels_of((250, "I;16")).notice("picture") is None


def test_levels_that_are_low_are_noticed_in_a_sentence() -> None:
    assert levels_of((250, "I;16"), (4000, "I;16"), (None, "L")).notice(16) == (
        "2 pictures have levels of more than 8 bits, and none is above 4000 of 65535 "
        "(data.depth=16), so they are dark; if their levels have 12 bits, say data.depth=12"
    )
    assert levels_of((250, "I;16"), (4095, "RGB;16")).notice(16) == (
        "2 pictures have levels of more than 8 bits, and none is above 4095 of 65535 "
        "(data.depth=16), so they are dark; if their levels have 12 bits, convert them"
    )
    assert levels_of((250, "I;16"), (65000, "I;16")).notice(16) == (
        "1 of 2 pictures with levels of more than 8 bits hold none above 255 of 65535 "
        "(data.depth=16), so they are nearly black beside the others; if their levels have 8 "
        "bits, convert them"
    )


def test_image_folder_reads_all_its_pictures_by_one_depth_and_says_which_are_low(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(8):
        levels = np.full((4, 4), (200 if number < 4 else 60_000) + number, np.uint16)
        grey(tmp_path / f"data/{'ab'[number % 2]}/{number}.png", levels)
    options: dict[str, Any] = {"root": str(tmp_path / "data"), "cache": str(tmp_path / "cache")}
    for _ in range(2):  # decoded, and read back
        caplog.clear()
        with caplog.at_level(logging.WARNING, "tlx"):
            task = ImageFolder(**options, size=4, val_fraction=0.25).load()
        assert "4 of 8 pictures with levels of more than 8 bits hold none above 255" in caplog.text
    assert task.about["deep_levels"] == {
        "pictures": 8, "highest": 60_007, "within_a_byte": 4, "colours": 0,
    }  # fmt: skip
    splits = (task.train, task.val, task.test)
    assert {int(image.max()) for split in splits for image in split.inputs} == {1, 233}
    with pytest.raises(TlxError, match=re.escape("say data.depth=16")):
        ImageFolder(**options, size=4, depth=12).load()
