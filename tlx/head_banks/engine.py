"""The training of a head bank: one forward and backward pass over the heads of many jobs."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tlx.data.batches import EVALUATION_BATCH_SIZE
from tlx.head_banks.batches import batch_bounds
from tlx.head_banks.gathering import Batches, by_split
from tlx.head_banks.heads import StackedHeads, fits_bank, stacked_heads
from tlx.head_banks.loss import cross_entropy
from tlx.head_banks.member import EpochRow, FeatureSplit, Member, MemberHistory
from tlx.head_banks.optimizer import StackedOptimizer
from tlx.head_banks.selection import EpochChoice, single
from tlx.head_banks.stacks import Stack, find_stacks, smoothing_of
from tlx.strategies.divergence import divergence_message

CLIPPING_EPSILON = 1e-6
"""As in `torch.nn.utils.clip_grad_norm_`."""


def train_bank(
    members: Sequence[Member], tail: nn.Module, autocast: torch.dtype | None = None
) -> list[MemberHistory]:
    """Train every member as if it were alone, all at once.

    Each has the numbers of its own fit by Lightning: batch order, learning rates, clipping over
    its own parameters, the choice of the best epoch, early stopping. A member whose loss is no
    finite number fails by itself, and the others go on.

    Args:
        members: The jobs. Those that share `FeatureSplit` objects and seed share their batches,
            which is fastest.
        tail: The structure of all heads, from features to logits; not changed.
        autocast: The lower number format of mixed precision, or None.

    Returns:
        One history per member, in their order.

    Raises:
        ValueError: Where the tail cannot train in a head bank; `fits_bank` tells before.
    """
    reason = fits_bank(tail)
    if reason is not None:
        raise ValueError(f"The tail fits no head bank: {reason}.")
    histories = [MemberHistory() for _ in members]
    for stack in find_stacks(members, tail):
        heads = stacked_heads(tail, stack.members[0].train.features, autocast)
        names = [name for name, _ in tail.named_parameters()]
        fit = StackFit(stack, names, heads)
        for index, history in zip(stack.indices, fit.run(), strict=True):
            histories[index] = history
    return histories


class StackFit:
    """The fit of one stack.

    Args:
        stack: The members.
        names: The names of the heads' parameters.
        heads: What computes logits and gradients.
    """

    def __init__(self, stack: Stack, names: Sequence[str], heads: StackedHeads) -> None:
        first = stack.members[0]
        device = first.train.features.device
        self.stack = stack
        self.names = names
        self.heads = heads
        initial = [torch.stack([m.initial[n].to(device) for m in stack.members]) for n in names]
        self.optimizer = StackedOptimizer(initial, stack.step_tables)
        self.best = [value.clone() for value in initial]
        self.bounds = batch_bounds(len(first.train), first.trainer.batch_size)
        classes = len(initial[0][0])
        members = stack.group_members
        splits, seeds = [m.train for m in members], [m.training.seed for m in members]
        self.batches = Batches(splits, seeds, self.bounds, classes)
        self.validation = by_split([m.val for m in stack.members])
        self.smoothing = self._smoothing(device)
        self.longest = self._longest_gradients(device)
        self.histories = [MemberHistory() for _ in stack.members]
        self.choices = [EpochChoice(m.trainer.early_stopping_patience) for m in stack.members]
        self.training = set(range(len(stack.members)))

    @torch.no_grad()
    def run(self) -> list[MemberHistory]:
        """Train until the last member has stopped, and return the histories."""
        for epoch in range(self.stack.members[0].trainer.epochs):
            started = time.perf_counter()
            train_losses = self._train_epoch(epoch)
            losses, accuracies = self._validate()
            seconds = (time.perf_counter() - started) / len(self.stack.members)
            self._close_epoch(epoch, train_losses, losses, accuracies, seconds)
            if not self.training:
                break
        for job, history in enumerate(self.histories):
            best = zip(self.names, self.best, strict=True)
            history.best_state = {name: values[job].cpu().clone() for name, values in best}
        return self.histories

    def _train_epoch(self, epoch: int) -> Tensor:
        """Train one epoch, and return the losses of all steps, shape (steps, jobs)."""
        losses = []
        first_step = epoch * len(self.bounds)
        batches = self.batches.of_epoch(epoch)
        for step, (features, labels, one_hot) in enumerate(batches, start=first_step):
            optimizer = self.optimizer
            logits = self.heads.logits(features, optimizer.stored, optimizer.unit)
            loss, by_logits = cross_entropy(logits, labels, one_hot, self.smoothing)
            gradients = self.heads.gradients(by_logits)
            if self.longest is not None:
                clip(gradients, self.longest)
            optimizer.step(gradients, step)
            losses.append(loss.flatten())
        return torch.stack(losses)

    def _validate(self) -> tuple[list[float], list[float]]:
        """Return mean loss and accuracy of each job on its validation images."""
        jobs = len(self.stack.members)
        losses, accuracies = [0.0] * jobs, [0.0] * jobs
        for split, chosen in self.validation:
            index = torch.tensor(chosen, device=split.labels.device)
            stored = [value[index] for value in self.optimizer.stored]
            found = evaluate(self.heads, split, stored, self.optimizer.unit[index])
            for job, loss, accuracy in zip(chosen, *found, strict=True):
                losses[job], accuracies[job] = loss, accuracy
        return losses, accuracies

    def _close_epoch(
        self,
        epoch: int,
        train_losses: Tensor,
        losses: list[float],
        accuracies: list[float],
        seconds: float,
    ) -> None:
        diverged = self._divergences(epoch, train_losses, losses)
        sizes = torch.tensor([end - first for first, end in self.bounds], dtype=torch.float64)
        means = (train_losses.cpu().double().T @ sizes / sizes.sum()).tolist()
        improved = []
        for job in sorted(self.training):
            history, choice = self.histories[job], self.choices[job]
            if job in diverged:
                history.divergence = diverged[job]
                self.training.remove(job)
                continue
            step = (epoch + 1) * len(self.bounds)
            rate = self.stack.step_tables[job].learning_rates[step - 1]
            loss, accuracy = single(losses[job]), single(accuracies[job])
            row = EpochRow(epoch + 1, step, single(means[job]), loss, accuracy, rate, seconds)
            history.rows.append(row)
            if choice.is_better(accuracy, loss):
                history.best_epoch = epoch + 1
                improved.append(job)
            if choice.stops(accuracy):
                self.training.remove(job)
        self._keep(improved)

    def _divergences(self, epoch: int, train_losses: Tensor, losses: list[float]) -> dict[int, str]:
        """Return the message of each job whose loss is not finite, as its own fit gives it."""
        found = {}
        lost = ~torch.isfinite(train_losses)
        first_lost = lost.byte().argmax(dim=0).tolist()
        for job, is_lost in enumerate(lost.any(dim=0).tolist()):
            if is_lost:
                step = first_lost[job]
                found[job] = divergence_message(float(train_losses[step, job]), epoch, step)
            elif losses[job] - losses[job] != 0:  # neither inf nor nan is its own difference
                found[job] = divergence_message(losses[job], epoch, None)
        return found

    def _keep(self, jobs: list[int]) -> None:
        if jobs:
            index = torch.tensor(jobs, device=self.best[0].device)
            for best, value in zip(self.best, self.optimizer.parameters(), strict=True):
                best[index] = value[index]

    def _smoothing(self, device: torch.device) -> Tensor | None:
        values = [smoothing_of(member) for member in self.stack.members]
        if not any(values):
            return None
        return torch.tensor(values, device=device).view(self.stack.groups, -1)

    def _longest_gradients(self, device: torch.device) -> Tensor | None:
        norms = [member.trainer.gradient_clip_norm for member in self.stack.members]
        if all(norm is None for norm in norms):
            return None
        return torch.tensor([float("inf") if n is None else n for n in norms], device=device)


def clip(gradients: Sequence[Tensor], longest: Tensor) -> None:
    """Shorten each job's gradient in place, as `torch.nn.utils.clip_grad_norm_` does.

    Args:
        gradients: Shapes (jobs, ...); a job's norm is over all of them.
        longest: Each job's longest 2-norm, shape (jobs,).
    """
    norms = [torch.linalg.vector_norm(g.view(len(g), -1), dim=1) for g in gradients]
    norm = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    shares = (longest / (norm + CLIPPING_EPSILON)).clamp_(max=1.0)
    for gradient in gradients:
        gradient.mul_(shares.view(-1, *[1] * (gradient.dim() - 1)))


def evaluate(
    heads: StackedHeads, split: FeatureSplit, stored: Sequence[Tensor], unit: Tensor
) -> tuple[list[float], list[float]]:
    """Return mean cross-entropy, without smoothing, and accuracy of each head on a split.

    Args:
        heads: What computes logits.
        split: The images.
        stored: The parameters in units of the learning rate, shapes (jobs, ...).
        unit: Shape (jobs,).
    """
    loss_sums = torch.zeros(len(unit), dtype=torch.float64)  # which not every accelerator has
    correct = torch.zeros(len(unit), dtype=torch.int64)
    for first in range(0, len(split), EVALUATION_BATCH_SIZE):
        features = split.features[first : first + EVALUATION_BATCH_SIZE].unsqueeze(0)
        labels = split.labels[first : first + EVALUATION_BATCH_SIZE]
        logits = heads.logits(features, stored, unit)[0]
        index = labels.expand(len(unit), 1, -1)
        loss_sums -= torch.log_softmax(logits, dim=1).gather(1, index).sum(dim=(1, 2)).cpu()
        correct += (logits.argmax(dim=1) == labels).sum(dim=1).cpu()
    count = max(1, len(split))
    return (loss_sums / count).tolist(), [number / count for number in correct.tolist()]
