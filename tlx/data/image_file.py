"""One image file as pixels of a fixed size, whatever format it has."""

from __future__ import annotations

import hashlib
import io
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tlx.data.image_limits import (
    ImageFileError,
    Resize,
    check_sides,
    check_strip,
    decoding_fault,
    image_formats,
)

_SIXTEEN_BIT: Final = ("I;16", "I;16L", "I;16B", "I;16N", "I")


@dataclass(frozen=True)
class DecodedImage:
    """An image brought to its stored size.

    Args:
        pixels: uint8, shape (channels, size, size).
        mode: PIL's name of how the pixels were stored (`RGB`, `L`, `P`, ...).
        digest: SHA-256 of the file, 32 bytes.
        label: Class index, where the source only tells it with the image; else -1.
    """

    pixels: NDArray[np.uint8]
    mode: str
    digest: bytes
    label: int = -1


def read_image(path: Path, size: int, resize: Resize, min_side: int = 1) -> DecodedImage:
    """Return a file's image in RGB at the stored size.

    Of an animation the first frame counts. A photo is turned upright as its EXIF data say, what is
    transparent lies on white, and 16-bit grey levels keep their upper 8 bits.

    Args:
        path: The file.
        size: Height and width of the result, in pixels.
        resize: See `to_square`.
        min_side: The shortest side that is accepted, in pixels.

    Raises:
        ImageFileError: Where it is no image, a damaged one, too large to be safe, or too small.
    """
    content = _content(path)
    image, mode = rgb_image(content, size, resize, min_side, shrink=True)
    pixels = np.asarray(to_square(image, size, resize), dtype=np.uint8)
    digest = hashlib.sha256(content).digest()
    return DecodedImage(pixels.transpose(2, 0, 1), mode, digest)


def read_whole_image(path: Path, shorter_side: int) -> NDArray[np.uint8]:
    """Return a file's image in RGB and upright, in its own size.

    Args:
        path: The file.
        shorter_side: What the shorter side will be resized to, in pixels.

    Returns:
        uint8, shape (3, height, width).

    Raises:
        ImageFileError: As `read_image`.
    """
    image, _ = rgb_image(_content(path), shorter_side)
    return np.array(image, dtype=np.uint8).transpose(2, 0, 1)


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise ImageFileError("it is no regular file")
        content = path.read_bytes()
    except OSError as error:
        raise ImageFileError(error.strerror or str(error)) from error
    if not content:
        raise ImageFileError("the file is empty")
    return content


def rgb_image(
    content: bytes, size: int, resize: Resize = "crop", min_side: int = 1, *, shrink: bool = False
) -> tuple[Image.Image, str]:
    """Return an upright RGB image and its stored mode.

    Args:
        content: The file's bytes.
        size: What it will be resized to, in pixels.
        resize: How.
        min_side: The shortest side that is accepted, in pixels.
        shrink: Whether a large image may come out smaller, though still twice that size.

    Raises:
        ImageFileError: As `read_image`.
    """
    try:
        with Image.open(io.BytesIO(content), formats=image_formats()) as image:
            mode = image.mode
            check_sides(image, min_side)
            check_strip(image.size, size, resize)
            if shrink:
                # JPEG alone: decodes at a half, quarter or eighth where that is large enough.
                image.draft(None, (2 * size, 2 * size))
            image.load()
            check_sides(image)  # an icon may hold a larger image than it says
            check_strip(image.size, size, resize)
            return to_rgb(ImageOps.exif_transpose(image)), mode
    except ImageFileError:
        raise
    except Exception as error:  # PIL's decoders raise what they like on damaged files
        raise ImageFileError(decoding_fault(error, content)) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an image of any mode in RGB.

    Raises:
        ImageFileError: Where its pixels are floating-point numbers, which have no known range.
    """
    if image.mode == "RGB":
        return image
    if image.mode == "F":
        raise ImageFileError("its pixels are floating-point numbers, whose range is unknown")
    if image.mode in _SIXTEEN_BIT:
        values: NDArray[Any] = np.asarray(image).astype(np.int64)
        levels = values >> 8 if values.max(initial=0) > 255 else values
        return Image.fromarray(levels.clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def to_square(image: Image.Image, size: int, resize: Resize) -> Image.Image:
    """Return an image as a square.

    Args:
        image: The image.
        size: Height and width of the result, in pixels.
        resize: `crop` brings the shorter side to `size` and cuts out the centre, as torchvision's
            `Resize` and `CenterCrop` do; `squash` brings both sides to `size`.
    """
    if image.size == (size, size):
        return image
    bilinear = Image.Resampling.BILINEAR
    if resize == "squash":
        return image.resize((size, size), bilinear)
    shorter = min(image.size)
    width, height = (size * side // shorter for side in image.size)
    scaled = image.resize((width, height), bilinear)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return scaled.crop((left, top, left + size, top + size))
