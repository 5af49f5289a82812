"""How many images a task has in each split, of each class, and where they come from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from tlx.data.task import Task


def data_record(task: Task) -> dict[str, Any]:
    """Return what a run records of its data, as plain values.

    Args:
        task: The task.

    Returns:
        `images` (by split, then by class; `target` and `rows_by_split` for a number to
        predict), and what the task says about its files.
    """
    splits = {"train": task.train, **task.scored}
    if task.number is not None:
        rows = {name: len(split) for name, split in splits.items()}
        target = asdict(task.number)
        return {"name": task.name, "target": target, "rows_by_split": rows, **task.about}
    images = {}
    for name, split in splits.items():
        counts = torch.bincount(split.labels, minlength=len(task.class_names)).tolist()
        images[name] = dict(zip(task.class_names, counts, strict=True))
    return {"name": task.name, "images": images, **task.about}
