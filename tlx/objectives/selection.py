"""By which score of an epoch its weights are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal


@dataclass(frozen=True)
class Selection:
    """The score that epochs are chosen by, and that stopping early watches.

    Args:
        metric: Its column in the history.
        mode: `max` where higher is better, else `min`.
        words: What the chosen epoch has, for the console.
    """

    metric: str
    mode: Literal["max", "min"]
    words: str

    def worth(self, measured: Mapping[str, Any]) -> float:
        """Return the score of an epoch, turned so that higher is better."""
        value = float(measured[self.metric])
        return value if self.mode == "max" else -value


BY_ACCURACY: Final = Selection("val_accuracy", "max", "best validation accuracy")
BY_RMSE: Final = Selection("val_rmse", "min", "lowest validation RMSE")
