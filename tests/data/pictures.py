"""Small image files for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def picture(path: Path, number: int = 0, side: tuple[int, int] = (12, 9)) -> Path:
    """Write an image whose pixels no other number has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (*side[::-1], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def folder_of(root: Path, counts: dict[str, int], first: int = 0) -> Path:
    """Write that many images into folders (`train/cat`), all different."""
    number = first
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            picture(root / name / f"{index:03d}.png", number)
            number += 1
    return root
