"""The least the work can cost: the frozen part once over all images, then the rest alone.

No framework, no folder, no checkpoint, no picture: a loop over tensors in memory.
"""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from experiments.benchmarks.made_up.images import MadeUpImages
from experiments.benchmarks.single_run.lightning_side import prepared, trunk_and_tail
from experiments.benchmarks.single_run.workload import (
    EVALUATION_BATCH,
    WARMUP_FRACTION,
    Measured,
    Workload,
)
from tlx.data.task import Split
from tlx.optimization.schedules import warmup_cosine


def measure(work: Workload) -> Measured:
    """Do the arithmetic alone.

    Returns:
        `seconds` of both parts, `test_accuracy`, and `phases`: `prefix` and `epochs`.
    """
    torch.set_num_threads(work.threads)
    task = MadeUpImages(work.train_images, work.val_images, work.test_images).load()
    trunk, tail = trunk_and_tail(work, len(task.class_names))
    began = time.perf_counter()
    splits = (task.train, task.val, task.test)
    train, val, test = (_features(trunk.eval(), split, work.image_size) for split in splits)
    prefix_s = time.perf_counter() - began
    _train(tail, train, task.train.labels, (val, task.val.labels), work)
    accuracy = _accuracy(tail, test, task.test.labels)
    seconds = time.perf_counter() - began
    phases = {"prefix": prefix_s, "epochs": seconds - prefix_s}
    return {"seconds": seconds, "test_accuracy": accuracy, "phases": phases}


@torch.inference_mode()
def _features(trunk: nn.Module, split: Split, image_size: int) -> Tensor:
    images = prepared(split, image_size).tensors[0]
    return torch.cat([trunk(batch) for batch in torch.split(images, EVALUATION_BATCH)])


def _train(
    tail: nn.Module, features: Tensor, labels: Tensor, val: tuple[Tensor, Tensor], work: Workload
) -> None:
    rate, decay = work.learning_rate, work.weight_decay
    optimizer = torch.optim.AdamW(tail.parameters(), lr=rate, weight_decay=decay)
    steps = work.epochs * -(-len(features) // work.batch_size)
    schedule = warmup_cosine(optimizer, steps, warmup_fraction=WARMUP_FRACTION)
    loss_of = nn.CrossEntropyLoss(label_smoothing=work.label_smoothing)
    for _ in range(work.epochs):
        tail.train()
        for chosen in torch.split(torch.randperm(len(features)), work.batch_size):
            loss = loss_of(tail(features[chosen].clone()), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(tail.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        _accuracy(tail, *val)


@torch.no_grad()
def _accuracy(tail: nn.Module, features: Tensor, labels: Tensor) -> float:
    tail.eval()
    batches = torch.split(features, EVALUATION_BATCH)
    predicted = torch.cat([tail(batch).argmax(dim=1) for batch in batches])
    return float((predicted == labels).float().mean())
