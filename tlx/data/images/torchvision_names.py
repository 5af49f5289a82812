"""Which of torchvision's data sets are single-label classification, and how each is split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tlx.data.splitting import TEST, TRAIN, VAL

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """How one of torchvision's data sets is asked for.

    Args:
        splits: The arguments of its class for each split that it has of its own.
        side: Height and width of its images, where all are the same square.
        channels: 1 where its images are grey.
    """

    splits: Mapping[int, Arguments] = field(default_factory=lambda: {TRAIN: {}})
    side: int | None = None
    channels: int = 3


def _flag(side: int, channels: int = 3, **also: Any) -> Known:
    return Known({TRAIN: {"train": True} | also, TEST: {"train": False} | also}, side, channels)


def _named(train: str, test: str, val: str | None = None, side: int | None = None) -> Known:
    splits = {TRAIN: {"split": train}, TEST: {"split": test}}
    return Known(splits | ({VAL: {"split": val}} if val else {}), side)


KNOWN: Final[Mapping[str, Known]] = {
    "CIFAR10": _flag(32),
    "CIFAR100": _flag(32),
    "Caltech101": Known(),
    "Caltech256": Known(),
    "CLEVRClassification": _named("train", "val"),
    "Country211": _named("train", "test", "valid"),
    "DTD": _named("train", "test", "val"),
    "EMNIST": _flag(28, 1, split="balanced"),
    "EuroSAT": Known(side=64),
    "FER2013": _named("train", "test", side=48),
    "FGVCAircraft": _named("train", "test", "val"),
    "FashionMNIST": _flag(28, 1),
    "Flowers102": _named("train", "test", "val"),
    "Food101": _named("train", "test"),
    "GTSRB": _named("train", "test"),
    # The labels of the next three's test images are not public: theirs for validation are reported.
    "ImageNet": _named("train", "val"),
    "Imagenette": _named("train", "val"),
    "Places365": _named("train-standard", "val"),
    "KMNIST": _flag(28, 1),
    "MNIST": _flag(28, 1),
    "OxfordIIITPet": _named("trainval", "test"),
    "PCAM": _named("train", "test", "val", side=96),
    "QMNIST": _flag(28, 1),
    "RenderedSST2": _named("train", "test", "val"),
    "SEMEION": Known(side=16, channels=1),
    "STL10": _named("train", "test", side=96),
    "SUN397": Known(),
    "SVHN": _named("train", "test", side=32),
    "StanfordCars": _named("train", "test"),
    "USPS": _flag(16, 1),
}
"""By the name of torchvision's class."""
