"""What is measured: each quantity at growing sizes, all else the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["images", "epochs", "jobs in a bank", "jobs on Spark"]
FACTORS: dict[Kind, tuple[int, ...]] = {
    "images": (1, 2, 4, 8),
    "epochs": (1, 2, 4, 8),
    "jobs in a bank": (1, 2, 4, 8, 16),
    "jobs on Spark": (1, 2, 4, 8, 16),
}
LEARNING_RATES = (1e-3, 2e-3)


@dataclass(frozen=True)
class Point:
    """One measurement.

    Args:
        kind: What grows.
        factor: How many times its smallest value.
        images: Training images.
        epochs: Passes over them.
        jobs: Jobs of the sweep; 1 is a run alone.
    """

    kind: Kind
    factor: int
    images: int
    epochs: int
    jobs: int = 1

    @property
    def swept(self) -> dict[str, list[float]]:
        """The values whose product is the sweep."""
        count = self.jobs // len(LEARNING_RATES)
        decays = [round(0.001 * i, 3) for i in range(count)]
        return {"optimizer.lr": list(LEARNING_RATES), "optimizer.weight_decay": decays}


def points(images: int, epochs: int, jobs: int) -> list[Point]:
    """Return all measurements.

    Args:
        images: The fewest images.
        epochs: The fewest epochs.
        jobs: The fewest jobs, an even number.
    """
    found = []
    for kind, factors in FACTORS.items():
        for factor in factors:
            grown = {"images": images, "epochs": epochs}
            if kind in grown:
                grown[kind] *= factor
            count = jobs * factor if kind.startswith("jobs") else 1
            found.append(Point(kind, factor, **grown, jobs=count))
    return found
