"""Letters bent, inked and scanned at random, many at once, the way the digits were made.

The digits were 32x32 bitmaps stretched to fill their box, then counted in 4x4 blocks. Letters
follow the same road: a random warp of a distance field, ink within a random pen width, a box
stretched to the image, and block means in 16 grey levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import avg_pool2d, grid_sample

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from tlx.data.synthetic.glyph_atlas import GlyphAtlas

BLOCK = 4  # Bitmap pixels along a side of the block that becomes one image pixel.
WAVES = 4  # Cosine waves along each axis of an elastic field.
REACH = 1.0  # The search for ink covers -REACH to REACH on both axes.


@dataclass(frozen=True)
class Handwriting:
    """How far letters are bent and how they are inked; lengths in letter heights, angles in rad.

    Args:
        rotation: Standard deviation of the rotation.
        shear: Standard deviation of the horizontal shear.
        stretch: Standard deviation of the log of the ratio of width to height.
        elastic: Standard deviation of the elastic shift at a point.
        pen: Lowest and highest half width of a drawn stroke.
        outline_share: Share of letters inked by their font's outline in place of a drawn stroke.
        outline_growth: Standard deviation of how far an outline grows or shrinks.
        pressure: Relative standard deviation of the pen width along a stroke.
        edge: Lowest and highest width of the blur at a stroke's edge.
        width: Lowest and highest share of the image's width that a letter's box fills.
        natural_width_share: Share of letters that keep their proportions where narrower.
        noise: Highest standard deviation of the noise, in shares of full ink.
    """

    rotation: float = 0.12
    shear: float = 0.2
    stretch: float = 0.15
    elastic: float = 0.06
    pen: tuple[float, float] = (0.06, 0.13)
    outline_share: float = 0.3
    outline_growth: float = 0.02
    pressure: float = 0.15
    edge: tuple[float, float] = (0.02, 0.06)
    width: tuple[float, float] = (0.65, 0.85)
    natural_width_share: float = 0.3
    noise: float = 0.05


@dataclass(frozen=True)
class _Warp:
    """A smooth random map from the page to the atlas, one per image of a batch.

    Args:
        matrices: Rotation, shear and stretch, shape (n, 2, 2).
        waves: Weights of the elastic field's cosines: x, y, pen width; (n, 3, WAVES, WAVES).
        phases: Phases of the cosines along both axes, shape (n, 2, WAVES).
    """

    matrices: Tensor
    waves: Tensor
    phases: Tensor


def render_glyphs(
    atlas: GlyphAtlas, drawings: Tensor, *, side: int, style: Handwriting, generator: Generator
) -> Tensor:
    """Render one image per drawing, each with its own random bend, pen and noise.

    Args:
        atlas: The distance fields to draw from.
        drawings: Positions in the atlas, int64, shape (n,).
        side: Pixels along a side of the images.
        style: How far letters are bent and how they are inked.
        generator: Source of all randomness.

    Returns:
        Bright strokes on dark ground in 17 levels from 0 to 255, uint8, shape (n, 1, side, side).
    """
    count, bitmap_side = len(drawings), side * BLOCK
    outlined = _uniform(count, 0.0, 1.0, generator) < style.outline_share
    fields = torch.where(
        outlined.view(-1, 1, 1), atlas.outlines[drawings], atlas.skeletons[drawings]
    )
    growth = _normal((count,), style.outline_growth, generator)
    pen = torch.where(outlined, growth, _uniform(count, *style.pen, generator))
    warp = _draw_warp(count, style, generator)
    page = torch.linspace(-REACH, REACH, bitmap_side).expand(count, -1)
    depth, _ = _depth(fields, warp, page, page, pen)
    columns, rows = _letter_box(depth > 0, style, generator)
    depth, height = _depth(fields, warp, columns, rows, pen)
    edge = _uniform(count, *style.edge, generator).view(-1, 1, 1)
    ink = (depth / (edge * height) + 0.5).clamp(0, 1).unsqueeze(1)
    levels = avg_pool2d(ink, BLOCK)
    noise = _uniform(count, 0.0, style.noise, generator).view(-1, 1, 1, 1)
    grain = torch.randn(levels.shape, generator=generator) * noise * (levels > 0)
    return ((levels + grain).clamp(0, 1) * 16).round().mul(255 / 16).round().to(torch.uint8)


def _uniform(count: int, low: float, high: float, generator: Generator) -> Tensor:
    """Return uniform draws, shape (count,)."""
    return torch.rand(count, generator=generator) * (high - low) + low


def _normal(shape: tuple[int, ...], deviation: float, generator: Generator) -> Tensor:
    """Return centred normal draws."""
    return torch.randn(shape, generator=generator) * deviation


def _draw_warp(count: int, style: Handwriting, generator: Generator) -> _Warp:
    """Draw one random warp per image."""
    angle = _normal((count,), style.rotation, generator)
    shear = _normal((count,), style.shear, generator)
    stretch = _normal((count,), style.stretch, generator).exp()
    cosine, sine = angle.cos(), angle.sin()
    first = torch.stack([cosine * stretch, cosine * shear - sine], dim=1)
    second = torch.stack([sine * stretch, sine * shear + cosine], dim=1)
    # Slow waves carry most of the bend; the sum over both axes has unit variance.
    falloff = 1 / (1 + torch.arange(WAVES, dtype=torch.float32))
    amplitude = torch.outer(falloff, falloff)
    amplitude = amplitude / (amplitude.square().sum().sqrt() / 2)
    scale = torch.tensor([style.elastic, style.elastic, style.pressure]).view(1, 3, 1, 1)
    waves = _normal((count, 3, WAVES, WAVES), 1.0, generator) * amplitude * scale
    phases = torch.rand(count, 2, WAVES, generator=generator) * (2 * math.pi)
    return _Warp(torch.stack([first, second], dim=1), waves, phases)


def _depth(
    fields: Tensor, warp: _Warp, columns: Tensor, rows: Tensor, pen: Tensor
) -> tuple[Tensor, Tensor]:
    """Return how deep points lie within the ink, and the height spanned by the rows.

    Args:
        fields: Distance fields, shape (n, height, width).
        warp: The map from page to field.
        columns: Page x of each column, shape (n, side).
        rows: Page y of each row, shape (n, side).
        pen: Distance within which there is ink, shape (n,).

    Returns:
        Depth, positive within ink, shape (n, side, side); and the height, shape (n, 1, 1).
    """
    pitch = torch.arange(1, WAVES + 1) * (math.pi / 2)
    along_x = (columns.unsqueeze(2) * pitch + warp.phases[:, None, 0]).cos()
    along_y = (rows.unsqueeze(2) * pitch + warp.phases[:, None, 1]).cos()
    bend = along_y.unsqueeze(1) @ warp.waves @ along_x.transpose(1, 2).unsqueeze(1)
    x = columns.unsqueeze(1) + bend[:, 0]
    y = rows.unsqueeze(2) + bend[:, 1]
    matrix = warp.matrices[..., None, None]
    grid = torch.stack(
        [matrix[:, 0, 0] * x + matrix[:, 0, 1] * y, matrix[:, 1, 0] * x + matrix[:, 1, 1] * y],
        dim=3,
    )
    distance = grid_sample(fields.unsqueeze(1), grid, padding_mode="border", align_corners=False)
    height = (rows[:, -1] - rows[:, 0]).view(-1, 1, 1)
    reach = pen.view(-1, 1, 1) * (1 + bend[:, 2])
    return reach - distance.squeeze(1), height


def _letter_box(ink: Tensor, style: Handwriting, generator: Generator) -> tuple[Tensor, Tensor]:
    """Return the page positions of the columns and rows that stretch each letter's box.

    Args:
        ink: Where the search found ink, bool, shape (n, side, side).
        style: How wide boxes become.
        generator: Source of the widths.

    Returns:
        Page x of columns and page y of rows, both of shape (n, side).
    """
    count, side = ink.shape[:2]
    left, right = _extent(ink.any(dim=1))
    top, bottom = _extent(ink.any(dim=2))
    natural = (right - left) / (bottom - top)
    wanted = _uniform(count, *style.width, generator)
    keeps = _uniform(count, 0.0, 1.0, generator) < style.natural_width_share
    share = torch.where(keeps, torch.minimum(wanted, natural), wanted)
    ruler = (torch.arange(side) + 0.5) / side
    rows = top.unsqueeze(1) + (bottom - top).unsqueeze(1) * ruler
    centre, span = (left + right) / 2, (right - left) / share
    columns = centre.unsqueeze(1) + span.unsqueeze(1) * (ruler - 0.5)
    return columns, rows


def _extent(occupied: Tensor) -> tuple[Tensor, Tensor]:
    """Return the page positions of the first and last occupied cell; all where none is."""
    side = occupied.shape[1]
    cells = occupied | ~occupied.any(dim=1, keepdim=True)
    first = cells.int().argmax(dim=1)
    last = side - 1 - cells.flip(1).int().argmax(dim=1)
    pitch = 2 * REACH / (side - 1)
    return (first - 0.5) * pitch - REACH, (last + 0.5) * pitch - REACH
