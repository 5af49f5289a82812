"""CIFAR-10 as image files, and which of them take part in what."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tlx.errors import TlxError
from tlx.runs.atomic import write_text

SOURCE_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog")
TARGET_CLASSES = ("frog", "horse", "ship", "truck")
SPLITS = ("train", "test")
SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Shares:
    """How many images of each target class serve what.

    Args:
        dev_train: Training images to draw the few labelled ones from, on which hyper-parameters
            are chosen.
        dev_test: Training images to judge that choice on.
        test: Test images; the first ones by name.
    """

    dev_train: int = 500
    dev_test: int = 250
    test: int = 500


@dataclass(frozen=True)
class Tables:
    """The tables of images that runs read (`data=image_table`), none with an image of another.

    Args:
        target: Test images of the target classes, and the training images not in `dev`.
        dev: For the choice of hyper-parameters: training images, some of which it calls `test`.
        training_per_class: Training images per class in `target`, at least.
    """

    target: Path
    dev: Path
    training_per_class: int


def image_folder(given: Path, output: Path) -> Path:
    """Return the folder with `train/<class>/` and `test/<class>/`, unpacked where need be.

    Args:
        given: That folder, or a tar archive of its content (compressed or not).
        output: Where an archive is unpacked to, in a folder `images`; once.

    Raises:
        TlxError: There is no such file, or classes are missing.
    """
    folder = given if given.is_dir() else output / "images"
    if not given.exists():
        raise TlxError(f"{given}: no such file or folder. Give an archive or a folder of CIFAR-10.")
    done = output / "images.unpacked"
    if not given.is_dir() and not done.exists():
        with tarfile.open(given) as archive:
            archive.extractall(folder, filter="data")
        write_text(done, f"{given.name}\n")
    wanted = [f"{s}/{c}" for s in SPLITS for c in (*SOURCE_CLASSES, *TARGET_CLASSES)]
    missing = [name for name in wanted if not (folder / name).is_dir()]
    if missing:
        raise TlxError(f"{folder} lacks {', '.join(missing)}: it must hold CIFAR-10's ten classes.")
    return folder


def write_tables(folder: Path, output: Path, shares: Shares) -> Tables:
    """Write the tables of the target classes' images, by name in each class.

    The last `dev_train + dev_test` training images of a class are those of `dev`.

    Args:
        folder: See `image_folder`.
        output: Where the tables go; their paths start from `folder`.
        shares: How many images serve what.

    Raises:
        TlxError: A class has no more training images than the choice takes.
    """
    target: list[tuple[str, str, str]] = []
    dev: list[tuple[str, str, str]] = []
    kept_back = shares.dev_train + shares.dev_test
    remaining: list[int] = []
    for name in TARGET_CLASSES:
        train = files_of(folder, "train", name)
        if len(train) <= kept_back:
            raise TlxError(
                f"{folder / 'train' / name} holds {len(train)} images; the choice of "
                f"hyper-parameters takes {kept_back}, and some must remain."
            )
        first_test = len(train) - shares.dev_test
        remaining.append(len(train) - kept_back)
        target += [(path, name, "train") for path in train[:-kept_back]]
        target += [(path, name, "test") for path in files_of(folder, "test", name)[: shares.test]]
        dev += [(path, name, "train") for path in train[-kept_back:first_test]]
        dev += [(path, name, "test") for path in train[first_test:]]
    return Tables(
        target=_write(output / "target.csv", target),
        dev=_write(output / "dev.csv", dev),
        training_per_class=min(remaining),
    )


def files_of(folder: Path, split: str, name: str) -> list[str]:
    """Return the images of a split's class, in order of their names, relative to the folder."""
    found = (folder / split / name).iterdir()
    return sorted(
        path.relative_to(folder).as_posix() for path in found if path.suffix.lower() in SUFFIXES
    )


def _write(path: Path, rows: Iterable[tuple[str, str, str]]) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "label", "split"))
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text.getvalue():
        write_text(path, text.getvalue())
    return path
