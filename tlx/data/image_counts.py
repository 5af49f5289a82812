"""How many images of each class a task has in each split, and where they come from."""

from __future__ import annotations

from typing import Any

import torch

from tlx.data.task import ImageTask


def data_record(task: ImageTask) -> dict[str, Any]:
    """Return what a run records of its data, as plain values.

    Args:
        task: The task.

    Returns:
        `images` (by split, then by class), and what the task says about its files.
    """
    splits = (("train", task.train), ("val", task.val), ("test", task.test))
    images = {}
    for name, split in splits:
        counts = torch.bincount(split.labels, minlength=len(task.class_names)).tolist()
        images[name] = dict(zip(task.class_names, counts, strict=True))
    return {"name": task.name, "images": images, **task.about}
