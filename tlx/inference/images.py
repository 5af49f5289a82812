"""An image file as the pixels that a model's preprocessing takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tlx.data.images.files.image_file import read_image, read_whole_image
from tlx.data.images.stored.stored_form import EARLIER_SIZE, FORM_KEY, StoredForm
from tlx.data.images.torchvision_names import KNOWN
from tlx.errors import TlxError


def stored_form(data: Mapping[str, Any]) -> StoredForm | None:
    """Return the form in which a data set kept its image files, as a model's card tells, or None.

    Args:
        data: The card's data options; those of earlier runs have no form of their own.

    Raises:
        TlxError: Where the card tells of a form that there is not.
    """
    told = data.get(FORM_KEY)
    try:
        if isinstance(told, Mapping):
            return StoredForm.from_dict(told)
        size, resize = data.get("size"), data.get("resize")
        known = KNOWN.get(str(data.get("name")))
        if size is None and known is not None:  # torchvision's sets chose it themselves
            size = known.side or EARLIER_SIZE
        if size is None or resize is None:
            return None
        return StoredForm.from_dict({"size": size, "resize": resize, "depth": "picture"})
    except ValueError as error:
        raise TlxError(f"the model's card cannot be used: {error}.") from error


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
    return torch.from_numpy(read_image(path, form).pixels.copy())
