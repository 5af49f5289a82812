from __future__ import annotations

import torch

from tlx.head_banks.selection import EpochChoice, single


def test_epoch_choice_prefers_accuracy_then_loss_then_the_earliest() -> None:
    choice = EpochChoice(None)
    epochs = [(0.5, 1.0), (0.5, 0.9), (0.5, 0.9), (0.4, 0.1), (0.6, 2.0)]
    assert [choice.is_better(*epoch) for epoch in epochs] == [True, True, False, False, True]


def test_epoch_choice_with_patience_stops_where_accuracy_no_longer_grows() -> None:
    choice = EpochChoice(2)
    assert [choice.stops(a) for a in (0.5, 0.5, 0.6, 0.6, 0.5)] == [False] * 4 + [True]


def test_epoch_choice_without_patience_never_stops() -> None:
    choice = EpochChoice(None)
    assert not any(choice.stops(0.5) for _ in range(100))


def test_single_rounds_as_torch_does() -> None:
    assert single(0.1) == torch.tensor(0.1).item() != 0.1
