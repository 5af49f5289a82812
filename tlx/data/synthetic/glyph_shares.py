"""Some of the drawn letters: a number or share of each class, or all but a fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from tlx.data.splitting import TEST, TRAIN, VAL, Splitting
from tlx.data.task import Split
from tlx.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def dealt(
    train: Split, val: Split, test: Split, class_names: Sequence[str], splitting: Splitting
) -> tuple[Split, Split, Split]:
    """Return splits of which the training images are fewer, or of which some are the test.

    Args:
        train: All training images.
        val: The validation images, which stay.
        test: The test images, which stay unless there are folds.
        class_names: One per class.
        splitting: How many images of each class; its folds are parts of the training images.

    Raises:
        ConfigError: Where a class has fewer images than are asked for.
    """
    pool = [(TRAIN, train), (VAL, val)] + ([] if splitting.folds is not None else [(TEST, test)])
    labels = torch.cat([split.labels for _, split in pool]).numpy()
    given = np.concatenate([np.full(len(split), which, np.int8) for which, split in pool])
    faults = splitting.class_faults(labels, given, class_names)
    if faults:
        raise ConfigError(faults)
    whole = Split(
        inputs=torch.cat([split.inputs for _, split in pool]),
        labels=torch.from_numpy(labels),
        sample_ids=torch.cat([split.sample_ids for _, split in pool]),
    )
    first, second, third = (_rows(whole, part) for part in splitting.positions(labels, given))
    return first, second, third


def _rows(split: Split, positions: NDArray[np.int64]) -> Split:
    rows = torch.from_numpy(positions)
    return Split(split.inputs[rows], split.labels[rows], split.sample_ids[rows])
