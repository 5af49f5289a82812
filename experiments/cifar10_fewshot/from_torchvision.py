"""Write torchvision's CIFAR-10 as the folder of image files that the experiment reads.

    python -m experiments.cifar10_fewshot.from_torchvision outputs/data/cifar10

downloads the binary release (170 MB) into the folder `downloads` inside, and writes PNG files,
without loss, to `train/<class>/` and `test/<class>/`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from torchvision.datasets import CIFAR10


def main(arguments: Sequence[str] | None = None) -> None:
    """Download the data set and write the folder."""
    parser = argparse.ArgumentParser(prog="python -m experiments.cifar10_fewshot.from_torchvision")
    parser.add_argument("folder", type=Path, help="where the images go")
    given = parser.parse_args(arguments)
    for split in ("train", "test"):
        images = CIFAR10(given.folder / "downloads", train=split == "train", download=True)
        write_images(images, given.folder / split)


def write_images(images: CIFAR10, folder: Path) -> None:
    """Write images as `<class>/<number>.png`.

    Args:
        images: PIL images with their labels, and the names of the classes.
        folder: Where the classes' folders go.
    """
    for name in images.classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(len(images)):
        image, label = images[number]
        image.save(folder / images.classes[label] / f"{number:05d}.png")


if __name__ == "__main__":
    main()
