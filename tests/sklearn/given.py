"""Small examples for the estimators, and estimators that are quick to fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits, make_blobs

ONE_THREAD = ("trainer.threads=1",)


def digits(count: int = 40, classes: int = 4) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return handwritten digits, uint8 (n, 8, 8), and which they are."""
    found = load_digits(n_class=classes)
    return (found.images[:count] * (255 / 16)).round().astype(np.uint8), found.target[:count]


def blobs(count: int = 90, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return rows of three blobs, (n, 4), with scales of their own, and which they are from."""
    rows, labels = make_blobs(count, n_features=4, centers=3, cluster_std=2.0, random_state=seed)
    return rows * [1.0, 100.0, 0.01, 5.0] + [0.0, 7.0, 3.0, -50.0], labels


def written(images: NDArray[np.uint8], folder: Path) -> list[str]:
    """Write images as PNG files, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{place:03d}.png" for place in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return [str(path) for path in paths]


def quick(**parameters: Any) -> dict[str, Any]:
    """Return parameters of an estimator of images that is fitted in a second."""
    return {"epochs": 2, "random_state": 0, "overrides": ONE_THREAD} | parameters
