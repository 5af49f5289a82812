"""The work as a careful user of Lightning writes it: frozen trunk in `eval()`, without gradients.

Everything that costs a user nothing is done: images resized and normalised once, before the first
epoch, and held in memory; no progress bar, logger, summary, sanity check or checkpoint.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Self

import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision.models import get_model
from torchvision.transforms import v2

from experiments.benchmarks.made_up.images import MadeUpImages
from experiments.benchmarks.single_run.workload import (
    BACKBONE,
    EVALUATION_BATCH,
    LAST_STAGE,
    WARMUP_FRACTION,
    Measured,
    Workload,
)
from tlx.data.task import Split
from tlx.optimization.schedules import warmup_cosine

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FrozenTrunk(LightningModule):
    """A network whose leading part is frozen, as Lightning's own examples have it.

    Args:
        trunk: The frozen part, from images (n, 3, h, w) on.
        tail: What trains, up to logits (n, classes).
        work: Learning rate, weight decay and label smoothing.
    """

    def __init__(self, trunk: nn.Module, tail: nn.Module, work: Workload) -> None:
        super().__init__()
        self.work = work
        self.trunk = trunk.requires_grad_(False)
        self.tail = tail
        self.loss = nn.CrossEntropyLoss(label_smoothing=work.label_smoothing)

    def train(self, mode: bool = True) -> Self:
        """Set training mode; the trunk stays in `eval()`."""
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (n, classes)."""
        with torch.no_grad():
            features = self.trunk(images)
        logits: Tensor = self.tail(features)
        return logits

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:  # noqa: ARG002
        """Return a batch's loss."""
        images, labels = batch
        loss: Tensor = self.loss(self(images), labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], index: int) -> None:  # noqa: ARG002
        """Log a batch's accuracy."""
        self.log("val_accuracy", self._accuracy(batch))

    def test_step(self, batch: list[Tensor], index: int) -> None:  # noqa: ARG002
        """Log a batch's accuracy."""
        self.log("test_accuracy", self._accuracy(batch))

    def _accuracy(self, batch: list[Tensor]) -> Tensor:
        images, labels = batch
        correct: Tensor = self(images).argmax(dim=1) == labels
        return correct.float().mean()

    def configure_optimizers(self) -> Any:
        """Return AdamW over what trains, and its schedule by step."""
        rate, decay = self.work.learning_rate, self.work.weight_decay
        optimizer = torch.optim.AdamW(self.tail.parameters(), lr=rate, weight_decay=decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = warmup_cosine(optimizer, steps, warmup_fraction=WARMUP_FRACTION)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def trunk_and_tail(work: Workload, classes: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Return a ResNet with model A's weights in two parts, the second with a fresh head."""
    network = get_model(BACKBONE, weights=None)
    network.load_state_dict(torch.load(work.weights, weights_only=True))
    torch.manual_seed(0)
    network.fc = nn.Linear(network.fc.in_features, classes)
    children = dict(network.named_children())
    cut = list(children).index(LAST_STAGE if work.trains_last_stage else "fc")
    parts = list(children.values())
    parts.insert(len(parts) - 1, nn.Flatten())  # the network does it in its forward pass
    cut += 0 if work.trains_last_stage else 1
    return nn.Sequential(*parts[:cut]), nn.Sequential(*parts[cut:])


def prepared(split: Split, image_size: int) -> TensorDataset:
    """Return a split as the network wants it, in memory."""
    transform = v2.Compose(
        [
            v2.Resize([image_size, image_size], antialias=True),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    return TensorDataset(transform(split.inputs), split.labels)


def measure(work: Workload) -> Measured:
    """Train and test, and write the weights once.

    Returns:
        `seconds` and `test_accuracy`.
    """
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(work.threads)
    began = time.perf_counter()
    task = MadeUpImages(work.train_images, work.val_images, work.test_images).load()
    train, val, test = (
        prepared(split, work.image_size) for split in (task.train, task.val, task.test)
    )
    module = FrozenTrunk(*trunk_and_tail(work, len(task.class_names)), work)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=work.epochs,
        gradient_clip_val=1.0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    shuffled = DataLoader(train, work.batch_size, shuffle=True)
    trainer.fit(module, shuffled, DataLoader(val, EVALUATION_BATCH))
    scores = trainer.test(module, DataLoader(test, EVALUATION_BATCH), verbose=False)
    torch.save(module.state_dict(), Path(work.folder) / "model.pth")
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "test_accuracy": scores[0]["test_accuracy"]}
