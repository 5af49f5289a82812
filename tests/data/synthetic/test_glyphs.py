from __future__ import annotations

import math
import unicodedata
from functools import cache

import numpy as np
import torch

from tlx.data.images.digits import Digits
from tlx.data.synthetic.glyph_alphabets import ALPHABETS, font_paths, letter_classes
from tlx.data.synthetic.glyph_atlas import GlyphAtlas, draw_atlas, thin
from tlx.data.synthetic.glyph_rendering import Handwriting, render_glyphs
from tlx.data.synthetic.glyphs import Glyphs
from tlx.data.task import Task

STILL = Handwriting(
    rotation=0,
    shear=0,
    stretch=0,
    elastic=0,
    pen=(0.1, 0.1),
    outline_share=0,
    outline_growth=0,
    pressure=0,
    edge=(1e-3, 1e-3),
    width=(0.75, 0.75),
    natural_width_share=0,
    noise=0,
)


@cache
def task(seed: int = 0, train_size: int = 300) -> Task:
    return Glyphs(train_size, 50, 50, seed=seed, alphabets=("latin",)).load()


def disc_atlas(radius: float) -> GlyphAtlas:
    """A disc of known radius around the centre, in units of the letter's longer side."""
    axis = (torch.arange(48) + 0.5) / 24 - 1
    distance = torch.hypot(axis[:, None], axis[None, :]) / 1.2
    return GlyphAtlas((distance - radius)[None], distance[None], torch.tensor([0]))


def test_alphabets_hold_letters_only_each_in_one_class() -> None:
    characters = "".join(letter_classes(ALPHABETS))
    assert len(characters) == len(set(characters))
    categories = {unicodedata.category(character) for character in characters}
    assert categories <= {"Lu", "Ll", "Lo"}
    assert not any(character.isnumeric() for character in characters)


def test_draw_atlas_every_class_has_drawings_in_several_fonts() -> None:
    classes = letter_classes(ALPHABETS)
    drawn = torch.bincount(draw_atlas(classes, font_paths()).labels, minlength=len(classes))
    assert int(drawn.min()) >= 4


def test_draw_atlas_outline_is_negative_exactly_where_the_letter_has_ink() -> None:
    atlas = draw_atlas(("I",), [path for path in font_paths() if path.stem == "DejaVuSans"])
    inside = atlas.outlines[0] < 0
    columns, rows = inside.any(0).nonzero().flatten(), inside.any(1).nonzero().flatten()
    # A plain bar: 0.6 of the 48 pixels high, centred, and one solid block.
    assert len(rows) in (28, 29, 30)
    assert abs(float(rows.float().mean()) - 23.5) <= 0.5
    assert int(inside.sum()) == len(rows) * len(columns)
    assert float(atlas.skeletons.min()) >= 0


def test_thin_bar_becomes_its_middle_line() -> None:
    bar = np.zeros((1, 11, 20), dtype=bool)
    bar[0, 3:8, 2:18] = True
    line = thin(bar)[0]
    assert set(np.flatnonzero(line.any(1))) == {5}
    assert line[5].sum() >= 10
    assert not (line & ~bar[0]).any()


def test_thin_ring_keeps_its_hole() -> None:
    axis = np.arange(31) - 15
    radius = np.hypot(axis[:, None], axis[None, :])
    ring = ((radius > 6) & (radius < 11))[None]
    line = thin(ring)[0]
    assert not line[15, 15]
    assert not (line & ~ring[0]).any()
    rows, columns = np.nonzero(line)
    # Closed all round: every one of 16 sectors seen from the centre holds ink.
    sectors = np.floor(np.arctan2(rows - 15, columns - 15) * 8 / math.pi) % 16
    assert len(np.unique(sectors)) == 16


def test_render_glyphs_still_disc_fills_its_box_like_an_ellipse() -> None:
    style = Handwriting(**{**vars(STILL), "pen": (0.45, 0.45)})
    images = render_glyphs(
        disc_atlas(0.3),
        torch.zeros(4, dtype=torch.long),
        side=8,
        style=style,
        generator=torch.Generator().manual_seed(0),
    )
    ink = images[:, 0].float() / 255
    # Stretched to full height and 0.75 of the width: an ellipse of area pi/4 * 0.75 = 0.59 (a
    # rectangle would have 0.75). The box is found to half a cell of the search on each side.
    torch.testing.assert_close(
        ink.mean((1, 2)), torch.full((4,), math.pi / 4 * 0.75), atol=0.06, rtol=0
    )
    assert ink[:, :, 0].max() < 0.1
    assert ink[:, :, 7].max() < 0.1
    torch.testing.assert_close(ink, ink.flip(2), atol=0.13, rtol=0)


def test_render_glyphs_outline_share_one_draws_the_outline_not_the_pen() -> None:
    style = Handwriting(**{**vars(STILL), "outline_share": 1.0, "width": (1.0, 1.0)})
    image = render_glyphs(
        disc_atlas(0.45),
        torch.zeros(1, dtype=torch.long),
        side=16,
        style=style,
        generator=torch.Generator().manual_seed(0),
    )
    assert abs(float(image.float().mean()) / 255 - math.pi / 4) < 0.02


def test_glyphs_images_have_digit_like_shape_levels_and_box() -> None:
    images = task().train.inputs
    assert images.shape == (300, 1, 8, 8)
    assert images.dtype == torch.uint8
    levels = torch.arange(17).mul(255 / 16).round().to(torch.uint8)
    assert torch.isin(images, levels).all()
    digits = Digits(train_per_class=None).load().train.inputs
    assert abs(float(images.float().mean()) - float(digits.float().mean())) < 30
    rows_used = (images[:, 0] > 0).any(2).sum(1)
    assert float((rows_used == 8).float().mean()) > 0.9


def test_glyphs_same_seed_gives_same_bytes_whatever_torch_does() -> None:
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    again = Glyphs(300, 50, 50, alphabets=("latin",)).load()
    torch.set_num_threads(threads)
    assert again.fingerprint == task().fingerprint


def test_glyphs_other_seed_gives_other_images() -> None:
    assert task(seed=1).fingerprint != task().fingerprint
    assert not torch.equal(task(seed=1).train.inputs, task().train.inputs)


def test_glyphs_splits_share_neither_ids_nor_streams() -> None:
    splits = (task().train, task().val, task().test)
    ids = torch.cat([split.sample_ids for split in splits])
    assert ids.tolist() == list(range(400))
    assert not torch.equal(task().val.inputs, task().train.inputs[:50])
    assert not torch.equal(task().val.inputs, task().test.inputs)


def test_glyphs_more_training_images_keep_the_first_ones_and_the_test_set() -> None:
    larger = Glyphs(2500, 50, 50, alphabets=("latin",)).load()
    assert torch.equal(larger.train.inputs[:300], task().train.inputs)
    assert torch.equal(larger.test.inputs, task().test.inputs)
    counts = torch.bincount(larger.train.labels, minlength=len(larger.class_names)).float()
    expected = 2500 / len(larger.class_names)
    assert (counts - expected).abs().max() < 5 * math.sqrt(expected)


def test_glyphs_faults_name_option_and_choices() -> None:
    faults = Glyphs(train_size=0, seed=-1, alphabets=("latin", "grek")).faults()
    assert [str(fault) for fault in faults] == [
        "data.train_size=0: there must be at least one. Use 1 or more.",
        "data.seed=-1: a seed is not negative. Use 0 or more.",
        "data.alphabets=grek: there is no such alphabet. Did you mean 'greek'?",
    ]
    assert Glyphs().faults() == []
    (fault,) = Glyphs(alphabets=()).faults()
    assert fault.remedy == "Choose from: armenian, cyrillic, georgian, greek, latin."


def test_glyphs_of_some_classes_draw_these_alone() -> None:
    names = letter_classes(["latin"])
    chosen = (names[3], names[0])
    source = Glyphs(train_size=40, val_size=5, test_size=5, alphabets=("latin",), classes=chosen)
    assert source.faults() == []
    task = source.load()
    assert task.class_names == (names[0], names[3])
    assert set(task.train.labels.tolist()) == {0, 1}
    (fault,) = Glyphs(classes=(names[0], "none such")).faults()
    assert (fault.key, fault.value) == ("data.classes", "none such")
