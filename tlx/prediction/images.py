"""An image file as the pixels that a model's preprocessing takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from tlx.data.image_file import ImageFileError, Resize, image_suffixes, read_image, to_rgb

NEVER_OPENED: Final = frozenset({"EPS"})
"""Formats whose decoding starts another program (Ghostscript)."""


@dataclass(frozen=True)
class StoredForm:
    """The form in which a data set of image files kept its images before the network's input.

    Args:
        size: Height and width, in pixels.
        resize: How images came to it, see `tlx.data.image_file.to_square`.
    """

    size: int
    resize: Resize


def stored_form(data: Mapping[str, Any]) -> StoredForm | None:
    """Return the stored form that a model card's data options tell of, or None."""
    size, resize = data.get("size"), data.get("resize")
    if not isinstance(size, int) or resize not in ("crop", "squash"):
        return None
    return StoredForm(size, cast(Resize, resize))


def load_pixels(path: Path, form: StoredForm | None, resized_to: int) -> Tensor:
    """Return a file's image in RGB, upright.

    Of an animation the first frame counts.

    Args:
        path: A regular file.
        form: The form in which the model's training images were stored; None keeps the image's
            own size.
        resized_to: What the shorter side is resized to next, in pixels.

    Returns:
        uint8, shape (3, height, width).

    Raises:
        ImageFileError: Where it is no image, a damaged one, or too large to be safe.
    """
    try:
        with Image.open(path, formats=_formats()) as image:
            _check_size(image.size, max(resized_to, form.size if form else 0))
            if form is None:
                own = np.array(to_rgb(ImageOps.exif_transpose(image)), dtype=np.uint8)
                return torch.from_numpy(own).permute(2, 0, 1)
        return torch.from_numpy(read_image(path, form.size, form.resize).pixels.copy())
    except ImageFileError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageFileError(f"too large to be safe: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageFileError("it is no image that PIL can read") from error
    except Exception as error:  # PIL's decoders raise what they like on damaged files
        raise ImageFileError(f"it is damaged ({' '.join(str(error).split())})") from error


def _formats() -> list[str]:
    image_suffixes()  # makes PIL know all its formats
    return [name for name in Image.OPEN if name not in NEVER_OPENED]


def _check_size(size: tuple[int, int], resized_to: int) -> None:
    """Refuse a decompression bomb, and a strip which resizing would make one."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is None:
        return
    width, height = size
    if width * height > limit:
        reason = f"{width * height:,} pixels, PIL's limit for a decompression bomb is {limit:,}"
        raise ImageFileError(f"too large to be safe: {reason}")
    if resized_to * resized_to * max(size) > limit * max(1, min(size)):
        reason = f"{width}x{height} pixels, whose shorter side would become {resized_to}"
        raise ImageFileError(f"too long a strip: {reason}")
