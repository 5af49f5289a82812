"""One head trained alone by plain PyTorch: the reference for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

from tlx.head_banks.member import FeatureSplit, Member
from tlx.optimization.losses import CrossEntropy
from tlx.optimization.optimizers import adamw
from tlx.optimization.schedules import warmup_cosine
from tlx.plan.trainer_settings import TrainerSettings
from tlx.strategies.base import Training

ADAMW = partial(adamw, lr=1e-2)


@dataclass
class Alone:
    """What came of a head trained alone: per epoch, and the state after the last."""

    train_losses: list[float]
    val_losses: list[float]
    val_accuracies: list[float]
    states: list[dict[str, Tensor]]


def feature_split(
    images: int, *shape: int, seed: int = 0, classes: int = 4, noise: float = 1.0
) -> FeatureSplit:
    """Return noisy class means."""
    means = torch.randn(classes, *shape, generator=torch.Generator().manual_seed(99))
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (images,), generator=generator)
    values = means[labels] + noise * torch.randn(images, *shape, generator=generator)
    return FeatureSplit(values, labels)


def member(
    train: FeatureSplit,
    val: FeatureSplit,
    tail: nn.Module,
    *,
    seed: int = 0,
    smoothing: float = 0.1,
    optimizer: Any = ADAMW,
    schedule: Any = warmup_cosine,
    epochs: int = 4,
    batch_size: int = 16,
    clip: float | None = 1.0,
    patience: int | None = None,
) -> Member:
    """Return a member whose head is drawn by its seed."""
    generator = torch.Generator().manual_seed(seed)
    initial = {
        name: 0.1 * torch.randn(value.shape, generator=generator)
        for name, value in tail.named_parameters()
    }
    training = Training(CrossEntropy(label_smoothing=smoothing), optimizer, schedule, seed)
    trainer = TrainerSettings(
        epochs=epochs,
        batch_size=batch_size,
        gradient_clip_norm=clip,
        early_stopping_patience=patience,
    )
    return Member(train, val, initial, training, trainer)


def train_alone(job: Member, tail: nn.Module) -> Alone:
    """Train one head with torch's own loop, batch by batch."""
    tail.load_state_dict(dict(job.initial))
    n, batch_size = len(job.train), job.trainer.batch_size
    data = TensorDataset(job.train.features, job.train.labels)
    sampler: DistributedSampler[Any] = DistributedSampler(
        data, num_replicas=1, rank=0, seed=job.training.seed * 1_000_003
    )
    lone = n > 1 and n % batch_size == 1
    loader = DataLoader(data, batch_size, sampler=sampler, drop_last=lone)
    optimizer = job.training.optimizer(tail.named_parameters())
    schedule = job.training.schedule(optimizer, len(loader) * job.trainer.epochs)
    found = Alone([], [], [], [])
    for epoch in range(job.trainer.epochs):
        sampler.set_epoch(epoch)
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = job.training.loss(tail(features), labels)
            loss.backward()
            if job.trainer.gradient_clip_norm is not None:
                nn.utils.clip_grad_norm_(tail.parameters(), job.trainer.gradient_clip_norm)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(labels)
        images = len(loader) * batch_size if lone else n
        _close(found, job, tail, total / images)
    return found


def _close(found: Alone, job: Member, tail: nn.Module, train_loss: float) -> None:
    with torch.no_grad():
        logits = tail(job.val.features)
    found.train_losses.append(train_loss)
    found.val_losses.append(float(nn.functional.cross_entropy(logits, job.val.labels)))
    correct = (logits.argmax(dim=1) == job.val.labels).float()
    found.val_accuracies.append(float(correct.mean()))
    found.states.append({name: value.clone() for name, value in tail.state_dict().items()})
