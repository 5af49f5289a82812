"""Letters drawn once from fonts, kept as distance fields that can be warped and re-inked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import distance_transform_edt

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

CANVAS = 72  # Pixels along a side of the drawing.
FIELD = 48  # Pixels along a side of the stored distance field.
BOX = 0.6  # Share of the canvas that the letter's longer side fills; the rest is margin.


@dataclass(frozen=True)
class GlyphAtlas:
    """Distance fields of every letter in every font.

    Distances are in units of the letter's longer side. The canvas spans -1 to 1 on both axes,
    and the letter lies centred within -0.6 to 0.6.

    Args:
        outlines: Signed distance to the letter's outline, negative inside, shape (n, 48, 48).
        skeletons: Distance to the letter's centre line, shape (n, 48, 48).
        labels: Class index of each drawing, int64, shape (n,).
    """

    outlines: Tensor
    skeletons: Tensor
    labels: Tensor


def draw_atlas(classes: Sequence[str], fonts: Sequence[Path]) -> GlyphAtlas:
    """Draw every character of every class in every font that has it.

    Args:
        classes: One string per class, of the characters that belong to it.
        fonts: Paths of TrueType fonts.

    Returns:
        The atlas; drawings of one class need not be adjacent.
    """
    bitmaps, labels = [], []
    for path in fonts:
        with TTFont(path, lazy=True) as font_file:
            known = font_file.getBestCmap()
        font = ImageFont.truetype(str(path), size=CANVAS)
        for label, characters in enumerate(classes):
            for character in characters:
                if ord(character) in known:
                    bitmaps.append(_draw(character, font))
                    labels.append(label)
    inked = np.stack(bitmaps)
    return GlyphAtlas(
        outlines=_shrink([_signed_distance(bitmap) for bitmap in inked]),
        skeletons=_shrink([distance_transform_edt(~bitmap) for bitmap in thin(inked)]),
        labels=torch.tensor(labels),
    )


def thin(bitmaps: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin bitmaps to lines one pixel wide.

    Zhang and Suen, "A fast parallel algorithm for thinning digital patterns", Communications of
    the ACM 27(3), 1984, on many bitmaps at once.

    Args:
        bitmaps: True where there is ink, shape (n, height, width), with an empty border.

    Returns:
        The centre lines, same shape.
    """
    ink = torch.from_numpy(bitmaps).to(torch.uint8)
    active = torch.arange(len(ink))
    while len(active):
        current = ink[active]
        thinner = _peel(_peel(current, 0), 1)
        changed = (thinner != current).flatten(1).any(1)
        ink[active] = thinner
        active = active[changed]
    return ink.bool().numpy()


def _peel(ink: Tensor, step: int) -> Tensor:
    """Remove the border pixels which one half-step of Zhang and Suen's rule removes."""
    padded = torch.nn.functional.pad(ink, (1, 1, 1, 1))
    height, width = ink.shape[1:]
    # Clockwise from the pixel above: P2 to P9 of the paper.
    offsets = [(0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0)]
    ring = [padded[:, y : y + height, x : x + width] for y, x in offsets]
    neighbours = torch.zeros_like(ink)
    rises = torch.zeros_like(ink)
    for here, following in zip(ring, [*ring[1:], ring[0]], strict=True):
        neighbours += here
        rises += (1 - here) * following
    north, east, south, west = ring[0], ring[2], ring[4], ring[6]
    if step == 0:
        blocked = (north & east & south) | (east & south & west)
    else:
        blocked = (north & east & west) | (north & south & west)
    removed = (neighbours >= 2) & (neighbours <= 6) & (rises == 1) & (blocked == 0)
    return ink * ~removed


def _draw(character: str, font: ImageFont.FreeTypeFont) -> NDArray[np.bool_]:
    """Return the character as ink, its longer side filling `BOX` of the canvas, centred."""
    left, top, right, bottom = font.getbbox(character)
    size = (int(right - left) + 1, int(bottom - top) + 1)
    drawing = Image.new("L", size)
    ImageDraw.Draw(drawing).text((-left, -top), character, fill=255, font=font)
    tight = drawing.crop(drawing.getbbox())
    scale = BOX * CANVAS / max(tight.size)
    width, height = (max(1, round(side * scale)) for side in tight.size)
    resized = tight.resize((width, height), Image.Resampling.BOX)
    canvas = Image.new("L", (CANVAS, CANVAS))
    canvas.paste(resized, ((CANVAS - width) // 2, (CANVAS - height) // 2))
    return np.asarray(canvas) > 127


def _signed_distance(ink: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance to the outline in pixels, negative inside the ink."""
    distance: NDArray[np.float64] = distance_transform_edt(~ink) - distance_transform_edt(ink)
    return distance


def _shrink(distances: list[NDArray[np.float64]]) -> Tensor:
    """Resize distance fields from canvas to field size, in units of the letter's longer side."""
    fields = torch.from_numpy(np.stack(distances)).float().unsqueeze(1) / (BOX * CANVAS)
    size = (FIELD, FIELD)
    shrunk = torch.nn.functional.interpolate(fields, size=size, mode="area")
    return shrunk.squeeze(1)
