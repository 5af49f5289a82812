from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import Tensor

from tlx.backbones.construct import construct
from tlx.backbones.fitting import classes_in, image_size_in, load_network
from tlx.backbones.sources import WeightsError
from tlx.backbones.state_files import StateDict

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


def test_load_network_of_many_missing_keys_shows_a_few_and_counts_the_rest() -> None:
    state = _state()
    for key in list(state)[:5]:
        del state[key]
    with pytest.raises(WeightsError) as caught:
        load_network(NAME, state, "given.pth", image_size=None)
    assert str(caught.value) == (
        "backbone.weights=given.pth: they do not fit shufflenet_v2_x0_5: 5 missing keys "
        "(conv1.0.weight, conv1.1.weight, conv1.1.bias, and 2 more). Give the state dict of "
        "torchvision's shufflenet_v2_x0_5, or the builder these weights belong to."
    )


@pytest.mark.parametrize("has_auxiliary", [False, True])
def test_load_network_has_auxiliary_classifiers_where_the_file_has_them(
    has_auxiliary: bool,
) -> None:
    state = OrderedDict(
        construct("googlenet", 3, auxiliary=has_auxiliary, meta=True).to("meta").state_dict()
    )
    network = load_network("googlenet", state, "test", image_size=None)
    assert (network.aux1 is not None) == has_auxiliary
