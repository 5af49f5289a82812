"""The images of a data set before they are read: names, classes, and splits where it has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tlx.data.class_choice import chosen_classes, class_faults
from tlx.data.splitting import SPLIT_NAMES, TEST, TRAIN, VAL
from tlx.errors import Fault
from tlx.texts.names import shortened

if TYPE_CHECKING:
    from tlx.data.images.files.file_account import FileAccount


@dataclass(frozen=True)
class Listing:
    """Images by name.

    Args:
        root: The folder that the names start from.
        names: One per image, with forward slashes.
        labels: Class index of each image, shape (n,).
        given: `TRAIN`, `VAL` or `TEST`, shape (n,); `TRAIN` alone where all is to be dealt out.
        class_names: One per class index.
        numbers: Of each class, its index among all classes of the data set, where these are some
            of them.
        account: What became of the folder's files, where a folder was listed.
        notices: What else the user should know, a sentence each.
    """

    root: Path
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    given: NDArray[np.int8]
    class_names: tuple[str, ...]
    numbers: tuple[int, ...] = ()
    account: FileAccount | None = None
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def rows(self, chosen: NDArray[np.int64]) -> Listing:
        """Return some of the images; the classes stay."""
        names = tuple(self.names[row] for row in chosen.tolist())
        return replace(self, names=names, labels=self.labels[chosen], given=self.given[chosen])

    def only(self, classes: Sequence[str | int] | None) -> Listing:
        """Return the images of some classes, which `faults` has found to exist."""
        names = chosen_classes(self.class_names, classes)
        if names == self.class_names:
            return self
        old = [self.class_names.index(name) for name in names]
        some = self.rows(np.flatnonzero(np.isin(self.labels, old)))
        labels = np.searchsorted(old, some.labels)
        account = None if self.account is None else self.account.choosing(len(some))
        return replace(some, labels=labels, class_names=names, numbers=tuple(old), account=account)

    def faults(self, classes: Sequence[str | int] | None) -> list[Fault]:
        """Return what is wrong with the classes, or with the choice of some of them."""
        faults = class_faults(self.class_names, classes)
        if faults:
            return faults
        some = self.only(classes)
        trained = np.bincount(some.labels[some.given == TRAIN], minlength=len(some.class_names))
        for split in (TRAIN, VAL, TEST):
            here = np.bincount(some.labels[some.given == split], minlength=len(some.class_names))
            lacking = (trained == 0) if split == TRAIN else (here > 0) & (trained == 0)
            found = [name for name, bad in zip(some.class_names, lacking, strict=True) if bad]
            if found and split == TRAIN and not here.any():
                return [Fault("data", self.root, "there are no training images", "Add some.")]
            if found:
                where = "" if split == TRAIN else f", though {SPLIT_NAMES[split]} has some"
                reason = f"classes without a training image{where}: {shortened(found)}"
                remedy = "Add images, remove the class, or choose others with data.classes."
                faults.append(Fault("data", self.root, reason, remedy))
        # A class that is empty in training is one fault, told with the most there is to say.
        return faults[-1:]
