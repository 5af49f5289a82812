"""Tasks kept in memory for the forks to come."""

from __future__ import annotations

import pytest

from tlx.data import loaded as loaded_module
from tlx.data.images.digits import Digits
from tlx.data.loaded import load_and_keep, loaded


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded_module, "_kept", {})
    monkeypatch.setattr(loaded_module, "_asked", set())


def test_loaded_kept_task_is_the_same_object() -> None:
    load_and_keep("digits, 5", lambda: Digits(train_per_class=5))
    assert loaded(Digits(train_per_class=5)) is loaded(Digits(train_per_class=5))
    assert len(loaded(Digits(train_per_class=5)).train) == 50


def test_loaded_other_options_load_afresh() -> None:
    load_and_keep("digits, 5", lambda: Digits(train_per_class=5))
    assert len(loaded(Digits(train_per_class=6)).train) == 60


def test_load_and_keep_asked_twice_makes_its_source_once() -> None:
    made: list[int] = []

    def source() -> Digits:
        made.append(1)
        return Digits(train_per_class=5)

    for _ in range(3):
        load_and_keep("digits, 5", source)
    assert made == [1]


def test_load_and_keep_beyond_the_limit_drops_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded_module, "MOST_BYTES", 1)
    load_and_keep("5", lambda: Digits(train_per_class=5))
    load_and_keep("6", lambda: Digits(train_per_class=6))
    assert list(loaded_module._kept) == [repr(Digits(train_per_class=6))]
