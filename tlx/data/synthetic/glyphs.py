"""The glyphs task: letters drawn from fonts and bent at random, to pretrain small backbones on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tlx.data.class_choice import chosen_classes, class_faults
from tlx.data.source import Given
from tlx.data.splits import task_fingerprint
from tlx.data.splitting import Splitting
from tlx.data.synthetic.glyph_alphabets import ALPHABETS, font_paths, letter_classes
from tlx.data.task import Split, Task, splits_of
from tlx.errors import Fault, did_you_mean

if TYPE_CHECKING:
    import torch

    from tlx.data.synthetic.glyph_atlas import GlyphAtlas

CHUNK = 2048  # Images rendered at once; part of what a seed means, so not an option.


@dataclass(frozen=True)
class Glyphs:
    """Letters without any digit: an unlimited stand-in for a large source data set.

    Letters that resemble digits are kept, since they are letters: O and 0, l and 1, Z and 2,
    Cyrillic ze and 3, che and 4, S and 5, Cyrillic be and 6, g and 9. How much of the transfer to
    digits rests on them has not been measured.

    Args:
        train_size: Number of training images.
        val_size: Number of validation images.
        test_size: Number of test images.
        seed: Seed of the drawing; each split and each chunk of a split has a stream of its own.
        alphabets: Names of the alphabets whose letters are classes.
        side: Pixels along a side of an image.
        classes: The letters to tell apart, as their classes are called; None takes all.
        train_per_class: Training images per class; None takes all that are drawn.
        train_fraction: Share of each class's training images to train on; None takes all.
        folds: Parts of the training images for cross-validation, one of which takes the place of
            the test images; None draws these.
        fold: Which part is the test set, from 0.
    """

    gives: ClassVar[Given] = Given()

    train_size: int = 60_000
    val_size: int = 2_000
    test_size: int = 2_000
    seed: int = 0
    alphabets: tuple[str, ...] = ("latin", "greek", "cyrillic")
    side: int = 8
    classes: tuple[str | int, ...] | None = None
    train_per_class: int | None = None
    train_fraction: float | None = None
    folds: int | None = None
    fold: int | None = None

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options; empty where `load` can run."""
        faults = []
        for option in ("train_size", "val_size", "test_size", "side"):
            value = getattr(self, option)
            if value < 1:
                reason = "there must be at least one"
                faults.append(Fault(f"data.{option}", value, reason, "Use 1 or more."))
        if self.seed < 0:
            faults.append(Fault("data.seed", self.seed, "a seed is not negative", "Use 0 or more."))
        if not self.alphabets:
            remedy = did_you_mean("", ALPHABETS)
            faults.append(Fault("data.alphabets", [], "there are no letters to draw", remedy))
        for name in self.alphabets:
            if name not in ALPHABETS:
                remedy = did_you_mean(name, ALPHABETS)
                faults.append(Fault("data.alphabets", name, "there is no such alphabet", remedy))
        faults += self._deal.faults() if self.seed >= 0 else []
        return faults or class_faults(letter_classes(self.alphabets), self.classes)

    @property
    def _deal(self) -> Splitting:
        return Splitting(
            train_per_class=self.train_per_class,
            train_fraction=self.train_fraction,
            folds=self.folds,
            fold=self.fold,
            seed=self.seed,
        )

    def load(self) -> Task:
        """Return the task; images have shape (n, 1, side, side), uint8.

        Raises:
            ConfigError: Where fewer letters of a class were drawn than are asked for.
        """
        from tlx.data.synthetic.glyph_atlas import draw_atlas
        from tlx.data.synthetic.glyph_shares import dealt

        classes = chosen_classes(letter_classes(self.alphabets), self.classes)
        atlas = draw_atlas(classes, font_paths())
        sizes = (self.train_size, self.val_size, self.test_size)
        first_ids = (0, self.train_size, self.train_size + self.val_size)
        train, val, test = (
            _render_split(atlas, size, first_id, (self.seed, stream), self.side)
            for stream, (size, first_id) in enumerate(zip(sizes, first_ids, strict=True))
        )
        if (self.train_per_class, self.train_fraction, self.folds) != (None, None, None):
            train, val, test = dealt(train, val, test, classes, self._deal)
        splits = splits_of(train, val, test)
        fingerprint = task_fingerprint(splits)
        return Task("glyphs", classes, splits, fingerprint)


def _render_split(
    atlas: GlyphAtlas, size: int, first_id: int, stream: tuple[int, int], side: int
) -> Split:
    """Render one split; growing its size only adds images at its end."""
    import torch

    chunks = [_render_chunk(atlas, (*stream, number), side) for number in range(-(-size // CHUNK))]
    return Split(
        inputs=torch.cat([images for images, _ in chunks])[:size],
        labels=torch.cat([labels for _, labels in chunks])[:size],
        sample_ids=torch.arange(first_id, first_id + size),
    )


def _render_chunk(
    atlas: GlyphAtlas, stream: tuple[int, int, int], side: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Render `CHUNK` images of classes drawn evenly, then of a drawing of that class."""
    import numpy as np
    import torch

    from tlx.data.synthetic.glyph_rendering import Handwriting, render_glyphs

    seed = int(np.random.SeedSequence(stream).generate_state(1, np.uint64)[0] >> 1)
    generator = torch.Generator().manual_seed(seed)
    # Every drawing weighs as much as its class has few: classes come out even.
    weights = 1 / torch.bincount(atlas.labels)[atlas.labels].double()
    drawings = torch.multinomial(weights, CHUNK, replacement=True, generator=generator)
    images = render_glyphs(atlas, drawings, side=side, style=Handwriting(), generator=generator)
    return images, atlas.labels[drawings]
