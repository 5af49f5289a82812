from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import Tensor

from tlx.backbones.construct import construct
from tlx.backbones.weights.fitted_state import classes_in, image_size_in
from tlx.backbones.weights.fitting import load_network
from tlx.backbones.weights.state_files import StateDict

NAME = "shufflenet_v2_x0_5"


def _state(num_classes: int = 4) -> StateDict:
    return OrderedDict(construct(NAME, num_classes).state_dict())


@pytest.mark.parametrize(
    ("name", "positions", "patch", "expected"),
    [("vit_b_16", 197, 16, 224), ("vit_h_14", 1370, 14, 518), ("vit_b_32", 5, 32, 64)],
)
def test_image_size_in_vit_state_follows_from_its_positions(
    name: str, positions: int, patch: int, expected: int
) -> None:
    state: StateDict = OrderedDict(
        {
            "encoder.pos_embedding": torch.empty(1, positions, 8, device="meta"),
            "conv_proj.weight": torch.empty(8, 3, patch, patch, device="meta"),
        }
    )
    assert image_size_in(name, state) == expected


def test_image_size_in_other_state_is_none() -> None:
    assert image_size_in(NAME, _state()) is None


def test_classes_in_state_is_the_heads_size() -> None:
    assert classes_in(NAME, _state(6)) == 6
    assert classes_in(NAME, OrderedDict()) == 1000


def test_load_network_returns_trainable_float32_copies() -> None:
    state = _state()
    halves: StateDict = OrderedDict(
        (key, value.half() if value.is_floating_point() else value) for key, value in state.items()
    )
    network = load_network(NAME, halves, "test", image_size=None)
    assert all(parameter.requires_grad for parameter in network.parameters())
    loaded: dict[str, Tensor] = network.state_dict()
    assert loaded["fc.weight"].dtype == torch.float32
    assert loaded["conv1.1.num_batches_tracked"].dtype == torch.int64
    assert torch.equal(loaded["fc.weight"], state["fc.weight"].half().float())
    assert {value.device.type for value in loaded.values()} == {"cpu"}


def test_load_network_of_shared_numbers_gives_each_tensor_its_own() -> None:
    state = _state()
    shared = torch.randn(24)
    state["conv1.1.weight"] = state["conv1.1.bias"] = shared
    state["conv1.1.running_mean"] = torch.randn(1).expand(24)
    network = load_network(NAME, state, "test", image_size=None)
    loaded: dict[str, Tensor] = network.state_dict()
    with torch.no_grad():
        loaded["conv1.1.weight"].zero_()
        loaded["conv1.1.running_mean"][0] = 7.0
    assert loaded["conv1.1.bias"].all()
    assert (loaded["conv1.1.running_mean"] == 7.0).sum() == 1


@pytest.mark.parametrize("has_auxiliary", [False, True])
def test_load_network_has_auxiliary_classifiers_where_the_file_has_them(
    has_auxiliary: bool,
) -> None:
    state = OrderedDict(
        construct("googlenet", 3, auxiliary=has_auxiliary, meta=True).to("meta").state_dict()
    )
    network = load_network("googlenet", state, "test", image_size=None)
    assert (network.aux1 is not None) == has_auxiliary
