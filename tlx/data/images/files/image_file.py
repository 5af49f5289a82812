"""One image file as pixels of a fixed size, whatever format it has."""

from __future__ import annotations

import hashlib
import io
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tlx.data.images.files.grey_levels import (
    DEEP_MODES,
    as_grey,
    check_colour_depth,
    highest_level,
    stored_mode,
)
from tlx.data.images.files.image_limits import (
    ImageFileError,
    check_sides,
    check_strip,
    decoding_fault,
    image_formats,
)
from tlx.data.images.stored.stored_form import FULL_DEPTH, Depth, StoredForm


@dataclass(frozen=True)
class DecodedImage:
    """An image brought to its stored size.

    Args:
        pixels: uint8, shape (channels, size, size).
        mode: PIL's name of how the pixels were stored (`RGB`, `L`, `P`, ...), see `stored_mode`.
        digest: SHA-256 of the file, 32 bytes.
        label: Class index, where the source only tells it with the image; else -1.
        highest: Its highest level, where it had more than 8 bits per level; see `highest_level`.
    """

    pixels: NDArray[np.uint8]
    mode: str
    digest: bytes
    label: int = -1
    highest: int | None = None


@dataclass(frozen=True)
class RgbImage:
    """A file's image, upright and in RGB.

    Args:
        image: Its pixels.
        mode: See `DecodedImage`.
        highest: See `DecodedImage`.
    """

    image: Image.Image
    mode: str
    highest: int | None


def read_image(path: Path, form: StoredForm, min_side: int = 1) -> DecodedImage:
    """Return a file's image in RGB in its stored form.

    Of an animation the first frame counts. A photo is turned upright as its EXIF data say, what is
    transparent lies on white, and grey levels of more than 8 bits become 8 as `form.depth` says.

    Args:
        path: The file.
        form: The stored form.
        min_side: The shortest side that is accepted, in pixels.

    Raises:
        ImageFileError: Where it is no image, a damaged one, too large to be safe, or too small.
    """
    content = _content(path)
    # What follows the weights is decoded in full, as they saw it.
    found = rgb_image(content, form, min_side, shrink=not form.follows_weights)
    pixels = np.asarray(to_square(found.image, form), dtype=np.uint8)
    digest = hashlib.sha256(content).digest()
    return DecodedImage(pixels.transpose(2, 0, 1), found.mode, digest, highest=found.highest)


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
    image = rgb_image(_content(path), StoredForm(shorter_side)).image
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
    content: bytes, form: StoredForm, min_side: int = 1, *, shrink: bool = False
) -> RgbImage:
    """Return an upright RGB image.

    Args:
        content: The file's bytes.
        form: What it will be brought to.
        min_side: The shortest side that is accepted, in pixels.
        shrink: Whether a large image may come out smaller, though still twice the form's size.

    Raises:
        ImageFileError: As `read_image`.
    """
    try:
        with Image.open(io.BytesIO(content), formats=image_formats()) as image:
            mode = stored_mode(image)
            check_sides(image, min_side)
            check_strip(image.size, form.size, form.resize)
            check_colour_depth(mode, form.depth)
            if shrink:
                # JPEG alone: decodes at a half, quarter or eighth where that is large enough.
                image.draft(None, (2 * form.size, 2 * form.size))
            image.load()
            check_sides(image)  # an icon may hold a larger image than it says
            check_strip(image.size, form.size, form.resize)
            highest = highest_level(image, mode)
            return RgbImage(to_rgb(ImageOps.exif_transpose(image), form.depth), mode, highest)
    except ImageFileError:
        raise
    except Exception as error:  # PIL's decoders raise what they like on damaged files
        raise ImageFileError(decoding_fault(error, content)) from error


def to_rgb(image: Image.Image, depth: Depth = FULL_DEPTH) -> Image.Image:
    """Return an image of any mode in RGB.

    Args:
        image: The image.
        depth: See `tlx.data.images.files.grey_levels.as_grey`.

    Raises:
        ImageFileError: Where its pixels are floating-point numbers, which have no known range, or
            levels that the depth cannot hold.
    """
    if image.mode == "RGB":
        return image
    if image.mode == "F":
        raise ImageFileError("its pixels are floating-point numbers, whose range is unknown")
    if image.mode in DEEP_MODES:
        return as_grey(image, depth).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def to_square(image: Image.Image, form: StoredForm) -> Image.Image:
    """Return an image as a square, resized and cropped as torchvision does with PIL's images.

    Args:
        image: The image, of 8 bits per level.
        form: The square's.
    """
    size = form.size
    if image.size == (size, size):
        return image
    # PIL smooths whenever it shrinks an image, whatever a pipeline says of antialiasing.
    resampling = _RESAMPLING[form.interpolation]
    if form.resize == "squash":
        return image.resize((size, size), resampling)
    shorter = min(image.size)
    width, height = (size * side // shorter for side in image.size)
    scaled = image.resize((width, height), resampling)
    left, top = form.first_pixel(width), form.first_pixel(height)
    return scaled.crop((left, top, left + size, top + size))


_RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
    "nearest-exact": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
    "lanczos": Image.Resampling.LANCZOS,
}
"""PIL's filters by torchvision's names of them, as torchvision pairs them."""
