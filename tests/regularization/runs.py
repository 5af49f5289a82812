"""Short whole runs with a regulariser, over the shipped model A."""

from __future__ import annotations

from pathlib import Path

from tlx.config.composition import compose_config
from tlx.train import train

CHOICES = (
    "co_tuning",
    "feature_distillation",
    "fisher_l2_sp",
    "l2_sp",
    "relation_distillation",
)
SMALL = (
    "backbone.image_size=32",
    "data.train_per_class=3",
    "data.val_per_class=2",
    "data.test_fraction=0.05",
    "trainer.batch_size=16",
    "trainer.epochs=2",
    "trainer.threads=1",
)


def run(folder: Path, *words: str) -> None:
    """Run the main job in this process, with a store of its own."""
    store = f"activations.folder={folder.parent / 'activations'}"
    train(compose_config([*SMALL, store, *words]), folder)
