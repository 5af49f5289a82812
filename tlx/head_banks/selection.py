"""Which epoch of a job is kept and when it stops, by the rules of a job alone."""

from __future__ import annotations

import math
import struct


def single(value: float) -> float:
    """Return a number as Lightning logs it: rounded to float32."""
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


class EpochChoice:
    """The best epoch of a job so far, and its patience.

    The rules are those of `BestWeights` and of Lightning's `EarlyStopping` with `mode="max"`.

    Args:
        patience: Epochs without a better validation accuracy before it stops; None never stops.
    """

    def __init__(self, patience: int | None) -> None:
        self._patience = patience
        self._best = (-math.inf, -math.inf)
        self._watched = -math.inf
        self._waited = 0

    def is_better(self, accuracy: float, loss: float) -> bool:
        """Return whether an epoch is the best so far: by accuracy, then loss, then the earliest."""
        better = (accuracy, -loss) > self._best
        if better:
            self._best = (accuracy, -loss)
        return better

    def stops(self, accuracy: float) -> bool:
        """Return whether the job stops behind an epoch of this validation accuracy."""
        if accuracy > self._watched:
            self._watched, self._waited = accuracy, 0
        else:
            self._waited += 1
        return self._patience is not None and self._waited >= self._patience
