"""Fixed augmented views of the training images, so that what is computed of them keeps."""

from __future__ import annotations

from dataclasses import replace

import torch

from tlx.augmentation.augmentation import Augmentation
from tlx.data.task import Task


def with_views(task: Task, augmentation: Augmentation, seed: int) -> Task:
    """Return a task whose training images are their views, all first views before all second.

    Args:
        task: A task.
        augmentation: How images change; without `views` the task stays as it is.
        seed: The views follow from it.
    """
    if augmentation.views is None:
        return task
    train, views = task.train, augmentation.views
    whole = train.inputs[:]
    images = [augmentation.view(whole, seed=seed, number=number) for number in range(views)]
    split = replace(
        train,
        inputs=torch.cat(images),
        labels=train.labels.repeat(views),
        sample_ids=train.sample_ids.repeat(views),
    )
    return task.with_splits(train=split)
