"""An image file as the pixels that a model's preprocessing takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from tlx.data.image_file import read_image, read_whole_image
from tlx.data.image_limits import Resize
from tlx.data.torchvision_data import USUAL_SIZE
from tlx.data.torchvision_names import KNOWN


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
    known = KNOWN.get(str(data.get("name")))
    if size is None and known is not None:  # torchvision's sets choose it themselves
        size = known.side or USUAL_SIZE
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
    if form is None:
        return torch.from_numpy(read_whole_image(path, resized_to))
    return torch.from_numpy(read_image(path, form.size, form.resize).pixels.copy())
