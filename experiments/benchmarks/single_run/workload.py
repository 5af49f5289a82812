"""What all sides of the comparison do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

BACKBONE = "resnet18"
LAST_STAGE = "layer4"
WARMUP_FRACTION = 0.1
EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Workload:
    """A transfer of a ResNet-18 to made-up images.

    Args:
        train_images: Images to learn from.
        val_images: Images judged after each epoch.
        test_images: Images judged once.
        epochs: Passes over the training images.
        batch_size: Images per step.
        image_size: Pixels of the network's square input.
        trains_last_stage: Train the last stage beside the head; the rest stays frozen.
        threads: CPU threads.
        learning_rate: Of AdamW, at its highest.
        weight_decay: Of AdamW.
        label_smoothing: Of the cross-entropy.
        weights: The state dict of model A, a file.
        folder: Where a side may write.
    """

    train_images: int = 5000
    val_images: int = 500
    test_images: int = 500
    epochs: int = 20
    batch_size: int = 32
    image_size: int = 64
    trains_last_stage: bool = False
    threads: int = 2
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    weights: str = ""
    folder: str = ""

    def within(self, folder: Path) -> Workload:
        """Return the same workload for one side, which writes into a folder of its own."""
        return replace(self, folder=str(folder))

    def to_json(self) -> str:
        """Return the workload as text, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Workload:
        """Return what `to_json` wrote."""
        return cls(**json.loads(text))


Measured = dict[str, Any]
"""What a side tells: `seconds` of all its work, the imports left out, and more of its own."""
