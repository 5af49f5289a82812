"""A small run and its own test images as files, for the tests of what reads runs."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.tiny import TINY
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.train import train


def small_run(folder: Path, *overrides: str) -> Path:
    """Train the tiny model for an epoch; with a strategy among the overrides, by that one."""
    asked = any(word.startswith("strategy=") for word in overrides)
    words = [word for word in TINY if not (asked and word.startswith("strategy"))]
    train(compose_config([*words, "trainer.epochs=1", "activations=off", *overrides]), folder)
    return folder


def write_test_images(folder: Path, count: int) -> list[int]:
    """Write the first of a tiny run's test images, and return their sample ids."""
    folder.mkdir()
    split = checked_plan(compose_config(list(TINY))).data.load().test
    ids: list[int] = split.sample_ids[:count].tolist()
    for sample_id, pixels in zip(ids, split.inputs[:count].numpy(), strict=True):
        Image.fromarray(pixels[0]).save(folder / f"{sample_id:05d}.png")
    return ids
