"""Photographs of many shapes for tests of what the network sees of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

SIDES = {
    "wide": (500, 375),
    "tall": (375, 500),
    "tiny": (20, 30),
    "strip": (1000, 50),
    "odd": (501, 373),
}


def photograph(path: Path, sides: tuple[int, int], seed: int = 0) -> Path:
    """Write an image that is smooth and has edges, as photographs are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (*sides[::-1], 3), np.uint8)
    image = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(2))
    levels = np.asarray(image).astype(int) * 3 - 255
    Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(path)
    return path


def photographs(root: Path, suffix: str = ".png") -> Path:
    """Write two classes of every shape into each of `train/`, `val/` and `test/`."""
    seed = 0
    for split in ("train", "val", "test"):
        for name in ("cat", "dog"):
            for shape, sides in SIDES.items():
                photograph(root / split / name / f"{shape}{suffix}", sides, seed)
                seed += 1
    return root


def table_of(root: Path) -> Path:
    """Write a table of what `photographs` wrote."""
    paths = sorted(path.relative_to(root) for path in root.rglob("*.*") if path.suffix != ".csv")
    rows = [f"{path},{path.parts[1]},{path.parts[0]}" for path in paths]
    table = root / "photographs.csv"
    table.write_text("\n".join(["path,label,split", *rows]) + "\n")
    return table
