"""One image file as pixels of a fixed size, whatever format it has."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

Resize = Literal["crop", "squash"]
_SIXTEEN_BIT: Final = ("I;16", "I;16L", "I;16B", "I;16N", "I")


class ImageFileError(Exception):
    """A file that gives no usable image; the message is the reason."""


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


@cache
def image_suffixes() -> frozenset[str]:
    """Return the suffixes, in lower case, of the files that PIL can open."""
    known = Image.registered_extensions()
    return frozenset(suffix for suffix, form in known.items() if form in Image.OPEN)


@contextmanager
def quiet_about_size() -> Iterator[None]:
    """Silence PIL's warning about large images, which `read_image` turns into an error."""
    with catch_warnings():
        simplefilter("ignore", Image.DecompressionBombWarning)
        yield


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
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageFileError(error.strerror or str(error)) from error
    if not content:
        raise ImageFileError("the file is empty")
    image, mode = _opened(content, size, min_side)
    pixels = np.asarray(to_square(image, size, resize), dtype=np.uint8)
    digest = hashlib.sha256(content).digest()
    return DecodedImage(pixels.transpose(2, 0, 1), mode, digest)


def _opened(content: bytes, size: int, min_side: int) -> tuple[Image.Image, str]:
    """Return an upright RGB image and its stored mode."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            mode = image.mode
            check_sides(image, min_side)
            # JPEG alone: decodes at a half, quarter or eighth where that is still large enough.
            image.draft(None, (2 * size, 2 * size))
            return to_rgb(ImageOps.exif_transpose(image)), mode
    except ImageFileError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageFileError(_bomb(str(error))) from error
    except UnidentifiedImageError as error:
        raise ImageFileError("it is no image that PIL can read") from error
    except Exception as error:  # PIL's decoders raise what they like on damaged files
        raise ImageFileError(f"it is damaged ({' '.join(str(error).split())})") from error


def check_sides(image: Image.Image, min_side: int) -> None:
    """Refuse an image that is too large to be safe, or too small.

    Raises:
        ImageFileError: With the reason.
    """
    pixels, limit = image.width * image.height, Image.MAX_IMAGE_PIXELS
    if limit is not None and pixels > limit:
        raise ImageFileError(_bomb(f"{pixels:,} pixels"))
    if min(image.size) < min_side:
        reason = f"{image.width}x{image.height} pixels, smaller than data.min_side={min_side}"
        raise ImageFileError(reason)


def _bomb(found: str) -> str:
    return f"too large to be safe, as a decompression bomb is ({found}; PIL's limit: {_limit()})"


def _limit() -> str:
    return f"{Image.MAX_IMAGE_PIXELS or 0:,}"


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
