from __future__ import annotations

import hashlib

import pytest
import torch
from torch import Tensor

from tlx.backbones.weights.fingerprint import state_fingerprint

STATE = {"a": torch.tensor([[1.0, 2.0]]), "b": torch.tensor(3)}


def test_state_fingerprint_is_the_sha256_of_names_types_shapes_and_bytes() -> None:
    expected = hashlib.sha256(
        b"a|torch.float32|(1, 2)|" + b"\x00\x00\x80?\x00\x00\x00@" + b"b|torch.int64|()|"
        b"\x03" + b"\x00" * 7
    ).hexdigest()
    assert state_fingerprint(STATE) == expected


def test_state_fingerprint_in_another_order_is_the_same() -> None:
    assert state_fingerprint(dict(reversed(STATE.items()))) == state_fingerprint(STATE)


@pytest.mark.parametrize(
    "other",
    [
        {"a": torch.tensor([[1.0, 2.5]]), "b": torch.tensor(3)},
        {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor(3)},
        {"a": torch.tensor([[1.0, 2.0]]).double(), "b": torch.tensor(3)},
        {"c": torch.tensor([[1.0, 2.0]]), "b": torch.tensor(3)},
    ],
)
def test_state_fingerprint_of_another_value_shape_type_or_name_differs(
    other: dict[str, Tensor],
) -> None:
    assert state_fingerprint(other) != state_fingerprint(STATE)


def test_state_fingerprint_of_transposed_view_is_that_of_its_copy() -> None:
    view = torch.arange(6.0).view(2, 3).t()
    assert state_fingerprint({"a": view}) == state_fingerprint({"a": view.contiguous()})
