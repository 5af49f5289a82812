from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import v2

from tests.data.pictures import picture
from tlx.data.images.files.image_file import read_image, read_whole_image
from tlx.data.images.files.image_limits import (
    ImageFileError,
    Resize,
    image_suffixes,
    quiet_about_size,
)
from tlx.data.images.stored.stored_form import StoredForm


def gradient(width: int, height: int) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([rows * 255 / height, columns * 255 / width, (rows + columns) % 256], -1)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.mark.parametrize("size", [(40, 30), (30, 40), (31, 77), (8, 8), (5, 9)])
def test_read_image_crop_is_torchvision_s_resize_and_centre_crop(
    size: tuple[int, int], tmp_path: Path
) -> None:
    image = gradient(*size)
    image.save(tmp_path / "a.png")
    reference = v2.Compose([v2.Resize(16), v2.CenterCrop(16), v2.PILToTensor()])(image)
    assert np.array_equal(read_image(tmp_path / "a.png", StoredForm(16)).pixels, reference.numpy())


def test_read_image_squash_is_torchvision_s_resize_of_both_sides(tmp_path: Path) -> None:
    image = gradient(40, 30)
    image.save(tmp_path / "a.png")
    reference = v2.Compose([v2.Resize((16, 16)), v2.PILToTensor()])(image)
    assert np.array_equal(
        read_image(tmp_path / "a.png", StoredForm(16, "squash")).pixels, reference.numpy()
    )


def test_read_image_tells_mode_and_digest_of_the_file(tmp_path: Path) -> None:
    gradient(8, 8).convert("L").save(tmp_path / "a.png")
    found = read_image(tmp_path / "a.png", StoredForm(8))
    assert found.mode == "L"
    assert found.digest == hashlib.sha256((tmp_path / "a.png").read_bytes()).digest()
    assert (found.pixels[0] == found.pixels[1]).all()
    assert found.pixels.shape == (3, 8, 8)


LOSSLESS = ["bmp", "gif", "png", "ppm", "tga", "tiff", "webp", "pcx", "dib", "sgi"]


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_read_image_of_each_format_gives_the_pixels_saved(suffix: str, tmp_path: Path) -> None:
    assert f".{suffix}" in image_suffixes()
    image = Image.new("RGB", (6, 6), (255, 0, 0))
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    image.save(tmp_path / f"a.{suffix}", **options)
    pixels = read_image(tmp_path / f"a.{suffix}", StoredForm(6)).pixels
    assert np.array_equal(pixels, np.asarray(image).transpose(2, 0, 1))


def test_read_image_of_a_large_jpeg_is_near_its_full_decoding(tmp_path: Path) -> None:
    gradient(640, 480).save(tmp_path / "a.jpg", quality=95)
    full = Image.open(tmp_path / "a.jpg").convert("RGB")
    reference = v2.Compose([v2.Resize(32), v2.CenterCrop(32), v2.PILToTensor()])(full)
    found = read_image(tmp_path / "a.jpg", StoredForm(32)).pixels.astype(int)
    assert np.abs(found - reference.numpy()).max() <= 6


def test_read_image_turns_a_photo_upright(tmp_path: Path) -> None:
    image = gradient(20, 20)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    image.save(tmp_path / "a.png", exif=exif)
    upright = np.asarray(image.rotate(-90)).transpose(2, 0, 1)
    assert np.array_equal(read_image(tmp_path / "a.png", StoredForm(20)).pixels, upright)


def test_read_image_lays_what_is_transparent_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", StoredForm(4)).pixels.min() == 255
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([9, 9, 9] * 256)
    palette.save(tmp_path / "b.gif", transparency=0)
    assert read_image(tmp_path / "b.gif", StoredForm(4)).pixels.min() == 255


def png_that_claims(width: int, height: int) -> bytes:
    """Return the start of a PNG of that size: all that is read before memory is taken."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        end = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + end

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels


def jpeg_cut_off() -> bytes:
    whole = io.BytesIO()
    gradient(60, 60).save(whole, "jpeg")
    return whole.getvalue()[:-200]


LIMIT = "(PIL's limit: 89,478,485); make it smaller or cut it up"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"not an image at all", "it is no image that PIL can read"),
        (
            jpeg_cut_off(),
            r"it is damaged \(image file is truncated \(\d+ bytes not processed\)\)",
        ),
        (
            png_that_claims(10_000, 10_000),  # PIL itself only warns
            re.escape(
                f"too large to be safe, as a decompression bomb is: 100,000,000 pixels {LIMIT}"
            ),
        ),
        (
            png_that_claims(60_000, 60_000),  # PIL raises
            re.escape(
                f"too large to be safe, as a decompression bomb is: 3,600,000,000 pixels {LIMIT}"
            ),
        ),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n",
            "it is PostScript, for which PIL would start Ghostscript; convert it to another format",
        ),
    ],
    ids=["empty", "text", "cut off", "bomb", "larger bomb", "eps"],
)
def test_read_image_of_a_bad_file_says_why(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    for read in (
        lambda path: read_image(path, StoredForm(16)),
        lambda path: read_whole_image(path, 16),
    ):
        with quiet_about_size(), pytest.raises(ImageFileError) as error:
            read(tmp_path / "a.png")
        assert re.fullmatch(reason, str(error.value))


@pytest.mark.parametrize(
    ("resize", "side", "becomes"), [("crop", 3000, "768,000"), ("squash", 30_000, "480,000")]
)
def test_read_image_of_a_strip_that_would_become_large_is_refused(
    resize: Resize, side: int, becomes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    Image.new("L", (1, side)).save(tmp_path / "a.png")
    with pytest.raises(ImageFileError) as error:
        read_image(tmp_path / "a.png", StoredForm(16, resize))
    assert str(error.value) == (
        f"too long a strip: 1x{side} pixels, which take {becomes} where the shorter side becomes "
        "16 (PIL's limit: 100,000); cut it up"
    )
    Image.new("L", (1, 300)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", StoredForm(16, resize)).pixels.shape == (3, 16, 16)


def test_read_image_of_an_icon_that_holds_more_than_it_says_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = io.BytesIO()
    Image.new("RGB", (60, 50)).save(inner, "png")
    head = struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 24, inner.tell(), 22)
    (tmp_path / "a.ico").write_bytes(head + inner.getvalue())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    with (
        pytest.warns(UserWarning, match="not the expected size"),
        quiet_about_size(),
        pytest.raises(ImageFileError, match="decompression bomb is: 3,000 pixels"),
    ):
        read_image(tmp_path / "a.ico", StoredForm(16))


def test_read_image_of_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ImageFileError, match="it is no regular file"):
        read_image(tmp_path / "a.png", StoredForm(16))


def test_image_suffixes_leave_out_what_starts_a_program_or_is_not_decoded() -> None:
    assert {".jpg", ".png", ".webp", ".tif", ".bmp", ".gif", ".avif"} <= image_suffixes()
    assert not {".eps", ".ps", ".wmf", ".emf", ".fits", ".h5", ".mpg"} & image_suffixes()


def test_read_image_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="No such file or directory"):
        read_image(tmp_path / "a.png", StoredForm(16))


def test_read_image_smaller_than_asked_says_its_size(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", side=(12, 9))
    assert read_image(path, StoredForm(16), min_side=9).pixels.shape == (3, 16, 16)
    with pytest.raises(ImageFileError, match=r"12x9 pixels, smaller than data\.min_side=10"):
        read_image(path, StoredForm(16), min_side=10)


def test_read_image_of_floating_point_pixels_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(ImageFileError) as error:
        read_image(tmp_path / "a.tiff", StoredForm(4))
    assert str(error.value) == "its pixels are floating-point numbers, whose range is unknown"
