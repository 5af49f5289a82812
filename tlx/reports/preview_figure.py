"""A picture of training images before and after augmentation."""

from __future__ import annotations

from pathlib import Path

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from tlx.augmentation.augmentation import Augmentation
from tlx.data.batches import TaskDataModule
from tlx.data.task import Task
from tlx.errors import TlxError
from tlx.runs.atomic import atomic_path

EPOCHS = 3
IMAGE_DIMENSIONS = 4
INCHES, LEAST_INCHES = 1.3, 4.0
LEAST_SHARE = 0.005
"""Less is 0% in words."""


def preview_figure(
    task: Task, augmentation: Augmentation, path: Path, *, images: int, seed: int
) -> None:
    """Write a picture: the first batch as it is stored, then as the first epochs see it.

    Args:
        task: The task.
        augmentation: How its training images change.
        path: The picture's file, PNG.
        images: Number of images, at most.
        seed: The run's seed.

    Raises:
        TlxError: Where the task has no images.
    """
    if task.train.inputs.ndim != IMAGE_DIMENSIONS:
        raise TlxError(
            f"{task.name} is a table, whose rows have no picture. Give data of images, such as "
            "data=digits."
        )
    data = TaskDataModule(task, batch_size=min(images, len(task.train)), seed=seed)
    pixels, labels = next(iter(data.train_dataloader()))
    rows = [("before", pixels, _names(labels, task))]
    for epoch in range(EPOCHS):
        seen, targets = _seen(augmentation, pixels, labels, task, seed, epoch)
        titles = _shares(targets, task) if targets.dim() > 1 else [""] * len(labels)
        rows.append((f"after, epoch {epoch + 1}", seen, titles))
    size = (max(LEAST_INCHES, INCHES * len(labels) + 1), (INCHES + 0.3) * len(rows) + 0.4)
    figure = Figure(figsize=size, layout="tight")
    FigureCanvasAgg(figure)
    mixing = [n for n in ("mixup", "cutmix") if getattr(augmentation, f"{n}_alpha", 0) > 0]
    method = " and ".join([augmentation.name, *mixing])
    figure.suptitle(
        f"{task.name} before and after augmentation: {method}", fontsize=9, parse_math=False
    )
    axes = figure.subplots(len(rows), len(labels), squeeze=False)
    for line, (title, batch, captions) in zip(axes, rows, strict=True):
        for axis, image, caption in zip(line, batch, captions, strict=True):
            grey = len(image) == 1
            axis.imshow(
                (image[0] if grey else image.permute(1, 2, 0)).numpy(), "gray", vmin=0, vmax=255
            )
            axis.set_title(caption, fontsize=7, parse_math=False)
            axis.set_xticks([])
            axis.set_yticks([])
        line[0].set_ylabel(title, fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def _seen(
    augmentation: Augmentation,
    pixels: Tensor,
    labels: Tensor,
    task: Task,
    seed: int,
    epoch: int,
) -> tuple[Tensor, Tensor]:
    if augmentation.views is not None:
        return augmentation.view(pixels, seed=seed, number=epoch % augmentation.views), labels
    classes = len(task.class_names)
    return augmentation.batch(pixels, labels, classes=classes, seed=seed, epoch=epoch, step=0)


def _names(labels: Tensor, task: Task) -> list[str]:
    return [task.class_names[label] for label in labels.tolist()]


def _shares(targets: Tensor, task: Task) -> list[str]:
    """Return the two largest shares of each mixed image, in words."""
    captions = []
    for row in targets:
        shares, places = torch.topk(row, 2)
        pairs = zip(shares.tolist(), places.tolist(), strict=True)
        captions.append(
            " + ".join(f"{s:.0%} {task.class_names[p]}" for s, p in pairs if s >= LEAST_SHARE)
        )
    return captions
