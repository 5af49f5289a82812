from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tlx.sweeps.plain_values import flat_numbers, is_number, plain_value, unicode_text


class Colour(Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"a": (1, {2})}, {"a": [1, [2]]}),
        (np.float64(0.5), 0.5),
        (np.array([1, 2]), [1, 2]),
        (Path("a/b"), "a/b"),
        (Colour.RED, "RED"),
        ("x\udce4", "x\\udce4"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
    ],
)
def test_plain_value_is_what_json_holds(value: Any, plain: Any) -> None:
    assert plain_value(value) == plain
    assert json.loads(json.dumps(plain_value(value)).encode()) == plain


def test_plain_value_of_a_cycle_is_its_text() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    assert plain_value(cycle) == "[[...]]"


def test_unicode_text_keeps_what_utf8_can_hold() -> None:
    assert unicode_text("äß€😀") == "äß€😀"
    assert unicode_text("\udcff").encode() == b"\\udcff"


def test_flat_numbers_leave_out_lists_texts_and_booleans() -> None:
    tree = {
        "test": {"accuracy": 0.5, "samples": 3, "per_class": [{"f1": 1.0}]},
        "a": "b",
        "c": True,
    }
    assert flat_numbers(tree) == {"test_accuracy": 0.5, "test_samples": 3.0}


def test_is_number_of_a_boolean_is_false() -> None:
    assert is_number(1)
    assert is_number(1.5)
    assert not is_number(True)
    assert not is_number("1")
