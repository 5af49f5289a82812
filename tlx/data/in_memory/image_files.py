"""Image files that a program names, decoded as a network's own pipeline asks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from tlx.data.images.files.image_file import read_image
from tlx.data.images.files.image_limits import ImageFileError, quiet_about_size
from tlx.errors import TlxError
from tlx.machine import usable_cpus
from tlx.texts.names import shown_name

if TYPE_CHECKING:
    from torch import Tensor

    from tlx.data.images.stored.stored_form import StoredForm

MOST_NAMED = 10


class ImagesError(TlxError, ValueError):
    """Files that give no image."""


def decoded(paths: Sequence[Path], form: StoredForm) -> Tensor:
    """Return the images of files as stored squares, uint8, shape (n, 3, size, size).

    Args:
        paths: The files, in order.
        form: How an image of any size becomes a square.

    Raises:
        ImagesError: With the name of each file that gives no image, and the reason.
    """

    def one(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | str:
        try:
            return read_image(path, form).pixels
        except ImageFileError as error:
            return f"{shown_name(str(path))}: {error}"

    with quiet_about_size(), ThreadPoolExecutor(usable_cpus()) as pool:
        found = list(pool.map(one, paths))
    bad = [reason for reason in found if isinstance(reason, str)]
    if bad:
        more = f"; and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
        raise ImagesError(
            f"{len(bad)} of {len(paths)} files give no image: {'; '.join(bad[:MOST_NAMED])}{more}. "
            "Correct or leave out these paths."
        )
    return torch.from_numpy(np.stack([pixels for pixels in found if not isinstance(pixels, str)]))
