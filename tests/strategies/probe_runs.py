"""A small run of a probe, and what the tests of the three compare it with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlx.backbones import Backbone, build_backbone
from tlx.backbones.head_features import head_features
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.data.task import Split, Task
from tlx.train import train

# A network with dropout before its head, drawn at random: its features still tell digits apart.
SMALL = (
    "backbone=mobilenet_v2",
    "backbone.weights=null",
    "backbone.image_size=32",
    "data.train_per_class=6",
    "data.val_per_class=5",
    "data.test_fraction=0.1",
    "trainer.threads=1",
)


def run_probe(folder: Path, strategy: str, *overrides: str) -> float:
    """Run a probe on a few digits; returns the validation accuracy of the kept head."""
    store = f"activations.folder={folder.parent / 'activations'}"
    return train(compose_config([*SMALL, f"strategy={strategy}", store, *overrides]), folder)


def digits() -> Task:
    """Return the digits of `run_probe`."""
    return checked_plan(compose_config([*SMALL])).data.load()


def model_of(folder: Path) -> Backbone:
    """Return a run's model, built from its file alone."""
    weights = str(folder)
    return build_backbone("mobilenet_v2", num_classes=10, weights=weights, keep_head=True).eval()


def features_of(backbone: Backbone, split: Split) -> NDArray[np.float64]:
    """Return what reaches the head, computed from the images in one batch."""
    features = head_features(backbone, backbone, backbone.preprocess(split.inputs))
    return features.double().numpy()


def history_of(folder: Path) -> pd.DataFrame:
    """Return a run's `metrics.csv`."""
    return pd.read_csv(folder / "metrics.csv")


def recorded(folder: Path, split: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the probabilities (n, 10) and classes (n,) that a run predicted."""
    table = pd.read_csv(folder / "predictions.csv")
    rows = table[table["split"] == split]
    return rows.filter(regex="^p_").to_numpy(), rows["predicted"].to_numpy(dtype=np.int64)
