"""What a model says of each image of a split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import Tensor

from tlx.data.task import Split
from tlx.runs.atomic import atomic_path

if TYPE_CHECKING:
    from tlx.backbones import Backbone

PREDICTIONS_FILE = "predictions.csv"
MOST_PROBABILITY_COLUMNS = 100


@torch.inference_mode()
def predict(
    backbone: Backbone, split: Split, *, device: str = "cpu", batch_size: int = 256
) -> Tensor:
    """Return class probabilities (n, classes) of a split's images, on the CPU.

    Args:
        backbone: The model; put in `eval()`.
        split: The images.
        device: Where to compute.
        batch_size: Images at a time.
    """
    backbone.to(device).eval()
    starts = range(0, len(split), batch_size)
    batches = [split.images[start : start + batch_size].to(device) for start in starts]
    logits = [backbone(backbone.preprocess(batch)).float().cpu() for batch in batches]
    return torch.softmax(torch.cat(logits), dim=1)


def predictions_table(
    split_name: str, split: Split, probabilities: Tensor, class_names: tuple[str, ...]
) -> pd.DataFrame:
    """Return one row per image: where it comes from, its class, the predicted class, how sure.

    Args:
        split_name: `val` or `test`.
        split: The images.
        probabilities: Shape (n, classes).
        class_names: One per class.
    """
    confidence, predicted = probabilities.max(dim=1)
    columns: dict[str, Any] = {
        "split": split_name,
        "sample_id": split.sample_ids.numpy(),
        "label": [class_names[i] for i in split.labels.tolist()],
        "predicted": [class_names[i] for i in predicted.tolist()],
        "confidence": confidence.numpy(),
    }
    if len(class_names) <= MOST_PROBABILITY_COLUMNS:
        columns |= {f"p_{name}": probabilities[:, i].numpy() for i, name in enumerate(class_names)}
    return pd.DataFrame(columns)


def write_predictions(folder: Path, tables: list[pd.DataFrame]) -> None:
    """Write the tables of several splits below each other."""
    with atomic_path(folder / PREDICTIONS_FILE) as temporary:
        pd.concat(tables, ignore_index=True).to_csv(temporary, index=False, float_format="%.6g")
