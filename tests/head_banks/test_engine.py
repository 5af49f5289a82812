from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from tests.head_banks.alone import feature_split, member, train_alone
from tlx.head_banks.engine import clip, train_bank
from tlx.head_banks.member import Member, MemberHistory
from tlx.optimization.optimizers import adamw, sgd
from tlx.optimization.schedules import constant, one_cycle, warmup_cosine

TRAIN, VAL = feature_split(50, 8, seed=1), feature_split(30, 8, seed=2)
OTHER_TRAIN, OTHER_VAL = feature_split(50, 8, seed=3), feature_split(21, 8, seed=4)
LONE_TRAIN = feature_split(33, 8, seed=5)  # 33 images in batches of 16: a lone last image


def linear() -> nn.Linear:
    return nn.Linear(8, 4)


def assert_as_alone(history: MemberHistory, job: Member, tail: nn.Module) -> None:
    alone = train_alone(job, tail)
    assert history.epochs == job.trainer.epochs
    assert [r.train_loss for r in history.rows] == pytest.approx(alone.train_losses, abs=2e-6)
    assert [r.val_loss for r in history.rows] == pytest.approx(alone.val_losses, abs=2e-6)
    assert [r.val_accuracy for r in history.rows] == pytest.approx(alone.val_accuracies, abs=1e-7)
    ranks = list(zip(alone.val_accuracies, (-x for x in alone.val_losses), strict=True))
    assert history.best_epoch == ranks.index(max(ranks)) + 1
    best = alone.states[history.best_epoch - 1]
    for name, value in history.best_state.items():
        torch.testing.assert_close(value, best[name], atol=2e-6, rtol=1e-5)


RECIPES: list[dict[str, Any]] = [
    {"optimizer": partial(adamw, lr=1e-2, weight_decay=0.5)},
    {"optimizer": partial(adamw, lr=3e-1, weight_decay=0.0), "clip": None},
    {"optimizer": partial(adamw, lr=1e-4), "smoothing": 0.0},
    {"optimizer": partial(adamw, lr=1e-2), "smoothing": 0.3, "clip": 0.01},
    {"optimizer": partial(adamw, lr=1e-2, betas=(0.5, 0.8)), "seed": 3},
    {"optimizer": partial(sgd, lr=1e-1, weight_decay=0.1), "seed": 1},
    {"optimizer": partial(sgd, lr=1e-2, nesterov=False)},
    {"optimizer": partial(sgd, lr=1e-2, momentum=0.0, weight_decay=0.0)},
    {"schedule": partial(one_cycle), "optimizer": partial(sgd, lr=3e-2)},
    {"schedule": partial(one_cycle, rise_fraction=0.5)},
    {"schedule": constant, "epochs": 2},
    {"schedule": partial(warmup_cosine, warmup_fraction=0.5, final_fraction=0.1)},
    {"batch_size": 64},
    {"batch_size": 1, "epochs": 1},
]


def test_train_bank_of_varied_recipes_gives_each_the_numbers_of_its_own_loop() -> None:
    jobs = [member(TRAIN, VAL, linear(), **recipe) for recipe in RECIPES]
    histories = train_bank(jobs, linear())
    for history, job in zip(histories, jobs, strict=True):
        assert_as_alone(history, job, linear())


def test_train_bank_of_varied_data_and_seeds_gives_each_the_numbers_of_its_own_loop() -> None:
    data = [(TRAIN, VAL), (OTHER_TRAIN, OTHER_VAL), (LONE_TRAIN, VAL), (TRAIN, OTHER_VAL)]
    jobs = [
        member(train, val, linear(), seed=seed, optimizer=partial(adamw, lr=10.0**-seed))
        for seed in (1, 2, 3)
        for train, val in data
    ]
    histories = train_bank(jobs, linear())
    for history, job in zip(histories, jobs, strict=True):
        assert_as_alone(history, job, linear())


class Pooled(nn.Module):
    """A head as SqueezeNet's: 1x1 convolution, ReLU, mean over places."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(6, 4, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.convolution(features)).mean(dim=(2, 3))


@pytest.mark.parametrize("optimizer", [adamw, sgd])
def test_train_bank_of_convolutional_heads_gives_the_numbers_of_their_own_loops(
    optimizer: Any,
) -> None:
    train, val = feature_split(40, 6, 2, 2, seed=1), feature_split(20, 6, 2, 2, seed=2)
    jobs = [
        member(train, val, Pooled(), seed=seed, optimizer=partial(optimizer, lr=lr))
        for seed in (0, 1)
        for lr in (1e-2, 5e-2)
    ]
    for history, job in zip(train_bank(jobs, Pooled()), jobs, strict=True):
        assert_as_alone(history, job, Pooled())


def test_train_bank_without_bias_gives_the_numbers_of_its_own_loop() -> None:
    tail = nn.Linear(8, 4, bias=False)
    jobs = [member(TRAIN, VAL, tail, seed=seed) for seed in (0, 1)]
    for history, job in zip(train_bank(jobs, tail), jobs, strict=True):
        assert_as_alone(history, job, tail)


def test_train_bank_with_patience_stops_a_member_and_no_other() -> None:
    still = partial(adamw, lr=1e-12)
    jobs = [
        member(TRAIN, VAL, linear(), epochs=6, optimizer=still, patience=2),
        member(TRAIN, VAL, linear(), epochs=6),
        member(TRAIN, VAL, linear(), epochs=6, optimizer=still, patience=1),
    ]
    histories = train_bank(jobs, linear())
    assert [history.epochs for history in histories] == [3, 6, 2]
    assert_as_alone(histories[1], jobs[1], linear())


def test_train_bank_where_a_member_diverges_fails_that_member_alone() -> None:
    wild = partial(sgd, lr=1e30, momentum=0.0)
    jobs = [
        member(TRAIN, VAL, linear(), schedule=constant, optimizer=partial(sgd, lr=0.1)),
        member(TRAIN, VAL, linear(), schedule=constant, optimizer=wild, clip=None),
    ]
    tame, lost = train_bank(jobs, linear())
    assert tame.divergence is None
    assert_as_alone(tame, jobs[0], linear())
    assert (lost.rows, lost.best_epoch) == ([], 0)
    expected = "the loss became nan in epoch 1, step 3. Try a lower optimizer.lr,"
    assert lost.divergence is not None
    assert lost.divergence.startswith(expected)


def test_train_bank_with_a_tail_that_drops_is_refused() -> None:
    tail = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 4))
    message = r"^The tail fits no head bank: its layer 0 draws at random or keeps averages\.$"
    with pytest.raises(ValueError, match=message):
        train_bank([member(TRAIN, VAL, tail)], tail)


def test_train_bank_leaves_the_tail_as_it_was() -> None:
    tail = linear()
    before = {name: value.clone() for name, value in tail.state_dict().items()}
    train_bank([member(TRAIN, VAL, tail, seed=seed) for seed in (0, 1)], tail)
    assert all(value.equal(before[name]) for name, value in tail.state_dict().items())


def test_clip_shortens_each_job_s_gradient_as_torch_does() -> None:
    torch.manual_seed(0)
    gradients = [torch.randn(3, 4, 8), torch.randn(3, 4)]
    longest = torch.tensor([0.5, float("inf"), 100.0])
    expected = []
    for job, norm in enumerate(longest.tolist()):
        parameters = [nn.Parameter(torch.zeros_like(g[job])) for g in gradients]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient[job].clone()
        nn.utils.clip_grad_norm_(parameters, norm)
        expected.append([parameter.grad for parameter in parameters])
    clip(gradients, longest)
    for job, (weight, bias) in enumerate(expected):
        torch.testing.assert_close(gradients[0][job], weight)
        torch.testing.assert_close(gradients[1][job], bias)


class Mixed(nn.Linear):
    def forward(self, features: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return super().forward(features).float()


def test_train_bank_in_mixed_precision_gives_the_numbers_of_its_own_loop() -> None:
    jobs = [member(TRAIN, VAL, linear(), seed=seed, epochs=2) for seed in (0, 1)]
    mixed = train_bank(jobs, linear(), torch.bfloat16)
    full = train_bank(jobs, linear())
    for history, other, job in zip(mixed, full, jobs, strict=True):
        alone = train_alone(job, Mixed(8, 4))
        losses = [row.train_loss for row in history.rows]
        assert losses == pytest.approx(alone.train_losses, abs=1e-4)
        assert losses != pytest.approx([row.train_loss for row in other.rows], abs=1e-4)
