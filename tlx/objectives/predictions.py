"""What a model says of each image of a split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
import torch
from torch import Tensor, nn

from tlx.data.batches import EVALUATION_BATCH_SIZE
from tlx.data.task import Split
from tlx.runs.atomic import atomic_path
from tlx.runs.mapped_files import refuse_changed
from tlx.texts.csv_cells import csv_frame, text_of_cell

if TYPE_CHECKING:
    from tlx.backbones import Backbone

PREDICTIONS_FILE = "predictions.csv"
MOST_PROBABILITY_COLUMNS = 100
ToPredictions = Callable[[Tensor], Tensor]


def probabilities(outputs: Tensor) -> Tensor:
    """Return class probabilities (n, classes) of logits (n, classes)."""
    return torch.softmax(outputs, dim=1)


@torch.inference_mode()
def predict(
    backbone: Backbone,
    split: Split,
    *,
    device: str = "cpu",
    batch_size: int = EVALUATION_BATCH_SIZE,
    to_predictions: ToPredictions = probabilities,
) -> Tensor:
    """Return what a model says of a split's images, on the CPU: class probabilities (n, classes).

    Args:
        backbone: The model; put in `eval()`.
        split: The images.
        device: Where to compute.
        batch_size: Images at a time.
        to_predictions: What makes predictions of the outputs (n, k).
    """
    backbone.to(device).eval()

    def logits(images: Tensor) -> Tensor:
        return cast(Tensor, backbone(backbone.preprocess(images)))

    return to_predictions(_outputs(logits, split.inputs, device, batch_size))


@torch.inference_mode()
def predict_cached(
    tail: nn.Module,
    activations: Tensor,
    *,
    device: str = "cpu",
    batch_size: int = EVALUATION_BATCH_SIZE,
    to_predictions: ToPredictions = probabilities,
) -> Tensor:
    """Return what `predict` returns, of activations at a cut.

    Args:
        tail: Makes logits of them; put in `eval()`.
        activations: Shape (n, ...).
        device: Where to compute.
        batch_size: Images at a time.
        to_predictions: What makes predictions of the outputs (n, k).
    """
    return to_predictions(_outputs(tail.to(device).eval(), activations, device, batch_size))


def _outputs(
    model: Callable[[Tensor], Tensor], inputs: Tensor, device: str, batch_size: int
) -> Tensor:
    refuse_changed()
    batches = (inputs[at : at + batch_size] for at in range(0, len(inputs), batch_size))
    return torch.cat([model(batch.to(device)).float().cpu() for batch in batches])


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


def numbers_table(
    split_name: str, split: Split, predictions: Tensor, targets: Tensor
) -> pd.DataFrame:
    """Return one row per example: where it comes from, its number, and the predicted one.

    Args:
        split_name: `val` or `test`.
        split: The examples.
        predictions: Shape (n,), in the target's own units.
        targets: Shape (n,), in the same units.
    """
    columns = {"target": targets.numpy(), "prediction": predictions.numpy()}
    return pd.DataFrame({"split": split_name, "sample_id": split.sample_ids.numpy(), **columns})


def write_predictions(folder: Path, tables: list[pd.DataFrame], digits: int = 6) -> None:
    """Write the tables of several splits below each other, floats to some significant digits.

    Names that a spreadsheet would compute are written as `tlx.texts.csv_cells` says.
    """
    with atomic_path(folder / PREDICTIONS_FILE) as temporary:
        whole = pd.concat(tables, ignore_index=True)
        csv_frame(whole).to_csv(temporary, index=False, float_format=f"%.{digits}g")


def read_predictions(folder: Path, split_name: str | None = None) -> pd.DataFrame:
    """Return a split's rows of the table in a run's folder; its names are those of the classes.

    Args:
        folder: The run's folder.
        split_name: `val` or `test`; None for the rows of both.
    """
    as_written = dict.fromkeys(("split", "label", "predicted"), text_of_cell)
    table = pd.read_csv(folder / PREDICTIONS_FILE, converters=as_written)
    if split_name is None:
        return table
    return table[table["split"] == split_name].reset_index(drop=True)
