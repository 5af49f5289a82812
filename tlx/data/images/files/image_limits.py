"""Which image files are opened at all: safe formats, and sizes that memory can hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final, Literal
from warnings import catch_warnings, simplefilter

from PIL import Image, UnidentifiedImageError

Resize = Literal["crop", "squash"]
NEVER_OPENED: Final = frozenset({"BUFR", "EPS", "FITS", "GRIB", "HDF5", "MPEG", "WMF"})
"""EPS is decoded by Ghostscript, a program that runs what the file says; FITS may hold a gzip of
any size, which no limit of pixels stops; the others PIL names and does not decode."""
_POSTSCRIPT: Final = (b"%!PS", b"\xc5\xd0\xd3\xc6")


class ImageFileError(Exception):
    """A file that gives no usable image; the message is the reason."""


@cache
def image_formats() -> tuple[str, ...]:
    """Return PIL's names of the formats that are opened."""
    Image.registered_extensions()  # makes PIL know all its formats
    return tuple(name for name in Image.OPEN if name not in NEVER_OPENED)


@cache
def image_suffixes() -> frozenset[str]:
    """Return the suffixes, in lower case, of the files that are opened."""
    known, formats = Image.registered_extensions(), image_formats()
    return frozenset(suffix for suffix, form in known.items() if form in formats)


@contextmanager
def quiet_about_size() -> Iterator[None]:
    """Silence PIL's warning about large images, which `check_sides` turns into an error."""
    with catch_warnings():
        simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def check_sides(image: Image.Image, min_side: int = 1) -> None:
    """Refuse an image that is too large to be safe, or too small.

    Raises:
        ImageFileError: With the reason.
    """
    pixels, limit = image.width * image.height, Image.MAX_IMAGE_PIXELS
    if limit is not None and pixels > limit:
        raise ImageFileError(_bomb(pixels))
    if min(image.size) < min_side:
        reason = f"{image.width}x{image.height} pixels, smaller than data.min_side={min_side}"
        raise ImageFileError(reason)


def check_strip(sides: tuple[int, int], size: int, resize: Resize) -> None:
    """Refuse a strip, harmless itself, which resizing would make larger than PIL's limit.

    Args:
        sides: Width and height, in pixels.
        size: What the shorter side becomes (`crop`), or both (`squash`), in pixels.
        resize: How; see `tlx.data.images.stored.stored_form.StoredForm`.

    Raises:
        ImageFileError: With the reason.
    """
    limit = Image.MAX_IMAGE_PIXELS
    longest = max(sides)
    # PIL resizes one side after the other: squashing passes through `size` times the longer one.
    becomes = longest if resize == "squash" else size * longest // max(1, min(sides))
    if limit is not None and size * becomes > limit:
        raise ImageFileError(
            f"too long a strip: {sides[0]}x{sides[1]} pixels, which take {size * becomes:,} "
            f"where the shorter side becomes {size} (PIL's limit: {limit:,}); cut it up"
        )


def decoding_fault(error: Exception, content: bytes) -> str:
    """Return why PIL could not decode a file.

    Args:
        error: What it raised.
        content: The file's first bytes.
    """
    if isinstance(error, Image.DecompressionBombError):
        counted = re.search(r"\d+", str(error))
        return _bomb(int(counted[0]) if counted else 0)
    if isinstance(error, UnidentifiedImageError):
        if content.startswith(_POSTSCRIPT):
            return (
                "it is PostScript, for which PIL would start Ghostscript; convert it to another "
                "format"
            )
        return "it is no image that PIL can read"
    return f"it is damaged ({' '.join(str(error).split())})"


def _bomb(pixels: int) -> str:
    return (
        f"too large to be safe, as a decompression bomb is: {pixels:,} pixels "
        f"(PIL's limit: {Image.MAX_IMAGE_PIXELS or 0:,}); make it smaller or cut it up"
    )
