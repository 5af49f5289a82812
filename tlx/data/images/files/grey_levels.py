"""Grey levels of more than 8 bits: brought to 8 by one rule, the same for every picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tlx.data.images.files.image_limits import ImageFileError
from tlx.data.images.stored.stored_form import FULL_DEPTH, Depth

DEEP_MODES: Final = ("I;16", "I;16L", "I;16B", "I;16N", "I")
"""PIL's modes of one channel with more than 8 bits; floating-point numbers are not among them."""
DEEP_COLOUR: Final = ";16"
"""Part of PIL's names of stored colours of which it keeps the upper 8 of 16 bits."""
BYTE: Final = 255


def as_grey(image: Image.Image, depth: Depth) -> Image.Image:
    """Return a picture of more than 8 bits per grey level as one of 8.

    Args:
        image: A picture in one of `DEEP_MODES`.
        depth: How many bits its levels have, whatever its own levels are: 16 maps 0..65535 to
            0..255, 12 maps 0..4095. `picture` is what runs did before there was this choice:
            levels up to 255 stay, others keep the upper 8 of 16 bits, picture by picture.

    Raises:
        ImageFileError: Where it holds levels that this many bits cannot.
    """
    values: NDArray[Any] = np.asarray(image).astype(np.int64)
    if depth == "picture":
        levels = values >> 8 if values.max(initial=0) > BYTE else values
        return Image.fromarray(levels.clip(0, BYTE).astype(np.uint8))
    most = 2**depth - 1
    lowest, highest = int(values.min(initial=0)), int(values.max(initial=0))
    if lowest < 0 or highest > most:
        raise ImageFileError(_out_of_range(lowest, highest, depth))
    rounded = (values * BYTE * 2 + most) // (2 * most)
    return Image.fromarray(rounded.astype(np.uint8))


def _out_of_range(lowest: int, highest: int, depth: int) -> str:
    span = f"its grey levels go from {lowest} to {highest}, and data.depth={depth} is for"
    if lowest >= 0 and highest < 2**FULL_DEPTH:
        return f"{span} 0 to {2**depth - 1}; say data.depth={highest.bit_length()}"
    return f"{span} 0 to {2**depth - 1}; convert it to grey levels of 8 or 16 bits"


def stored_mode(image: Image.Image) -> str:
    """Return PIL's mode of an opened image, with `;16` where its colours have 16 bits.

    Args:
        image: An image which is not loaded yet.
    """
    if image.mode in DEEP_MODES:
        return image.mode
    tiles = getattr(image, "tile", [])
    parts = [part for tile in tiles for part in (tile[3] if _is_many(tile[3]) else [tile[3]])]
    deep = any(isinstance(part, str) and DEEP_COLOUR in part for part in parts)
    return f"{image.mode}{DEEP_COLOUR}" if deep else image.mode


def _is_many(value: object) -> bool:
    return isinstance(value, tuple | list)


def check_colour_depth(mode: str, depth: Depth) -> None:
    """Refuse colours of which PIL has dropped the bits that a depth asks for.

    Args:
        mode: What `stored_mode` says of the image.
        depth: See `as_grey`.

    Raises:
        ImageFileError: Where its colours have 16 bits, and the depth is another.
    """
    if depth in ("picture", FULL_DEPTH) or not mode.endswith(DEEP_COLOUR) or mode in DEEP_MODES:
        return
    raise ImageFileError(
        f"its colours have 16 bits, of which PIL reads the upper 8, so data.depth={depth} cannot "
        "be had of them; save it with 8 bits per colour"
    )


def highest_level(image: Image.Image, mode: str) -> int | None:
    """Return the highest of a picture's levels on the scale of 16 bits, or None if it has 8.

    Args:
        image: The image, loaded.
        mode: What `stored_mode` said of it.
    """
    if mode in DEEP_MODES:
        return int(np.asarray(image).max(initial=0))
    if not mode.endswith(DEEP_COLOUR):
        return None
    colours = image.convert("RGB").getextrema()
    return max(int(high) for _, high in colours) << 8 | BYTE  # type: ignore[misc]


@dataclass(frozen=True)
class DeepLevels:
    """What is known of a data set's pictures of more than 8 bits per level.

    Args:
        pictures: How many there are.
        highest: The highest level of all.
        within_a_byte: How many hold no level above 255.
        colours: How many are in colour, of which PIL reads the upper 8 bits alone.
    """

    pictures: int = 0
    highest: int = 0
    within_a_byte: int = 0
    colours: int = 0

    def with_picture(self, highest: int | None, mode: str) -> DeepLevels:
        """Return these levels and one more picture's.

        Args:
            highest: Its highest level; None is of a picture with 8 bits.
            mode: What `stored_mode` said of it.
        """
        if highest is None:
            return self
        return DeepLevels(
            self.pictures + 1,
            max(self.highest, highest),
            self.within_a_byte + (highest <= BYTE),
            self.colours + (mode not in DEEP_MODES),
        )

    def notice(self, depth: Depth) -> str | None:
        """Return a sentence about levels so low that another depth may be meant, or None."""
        if depth in ("picture", 8) or not self.pictures:
            return None
        most = 2 ** int(depth) - 1
        if self.highest <= most // 2:
            bits = max(8, self.highest.bit_length())
            option = "convert them" if self.colours else f"say data.depth={bits}"
            return (
                f"{self.pictures} pictures have levels of more than 8 bits, and none is above "
                f"{self.highest} of {most} (data.depth={depth}), so they are dark; if their levels "
                f"have {bits} bits, {option}"
            )
        if self.within_a_byte:
            return (
                f"{self.within_a_byte} of {self.pictures} pictures with levels of more than 8 bits "
                f"hold none above {BYTE} of {most} (data.depth={depth}), so they are nearly black "
                "beside the others; if their levels have 8 bits, convert them"
            )
        return None
