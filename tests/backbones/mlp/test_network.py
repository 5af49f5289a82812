from __future__ import annotations

import pytest
import torch
from torch import nn

from tlx.backbones import cut_behind
from tlx.backbones.mlp.mlp_model import MlpModel
from tlx.backbones.mlp.mlp_name import MlpStructure, fits_weights_of, mlp_structure


@pytest.mark.parametrize(
    "structure",
    [
        MlpStructure((50, 50)),
        MlpStructure((8,), "leaky_relu"),
        MlpStructure((9, 7, 5), "tanh", 0.25),
    ],
)
def test_mlp_name_spells_its_structure(structure: MlpStructure) -> None:
    assert mlp_structure(structure.name) == structure


@pytest.mark.parametrize("name", ["mlp", "mlp_relu", "mlp_50_none", "mlp_0_relu", "resnet18"])
def test_mlp_name_of_another_form_is_none(name: str) -> None:
    assert mlp_structure(name) is None


def test_mlp_takes_weights_whatever_the_dropout() -> None:
    assert fits_weights_of("mlp_8_relu", "mlp_8_relu_dropout0.5")
    assert not fits_weights_of("mlp_8_relu", "mlp_8_tanh")
    assert not fits_weights_of("mlp_8_relu", "resnet18")


def test_mlp_computes_what_its_layers_say() -> None:
    torch.manual_seed(0)
    backbone = MlpModel(hidden=(6, 4), activation="tanh").build(3, input_shape=(5,)).eval()
    state = backbone.network.state_dict()
    features = torch.randn(7, 5)
    value = features
    for name in ("hidden1", "hidden2"):
        value = torch.tanh(value @ state[f"{name}.weight"].T + state[f"{name}.bias"])
    expected = value @ state["head.weight"].T + state["head.bias"]
    torch.testing.assert_close(backbone(features), expected)
    assert backbone.stage_names == ("hidden1", "hidden2")
    assert isinstance(backbone.head, nn.Linear)


@pytest.mark.parametrize("hidden", [(6,), (6, 4), (6, 5, 4, 3)])
def test_mlp_is_cut_behind_every_stage_bit_for_bit(hidden: tuple[int, ...]) -> None:
    model = MlpModel(hidden=hidden, dropout=0.5)
    backbone = model.build(3, input_shape=(5,)).eval()
    features = torch.randn(7, 5)
    assert backbone.stage_names == model.stage_names()
    for stage in backbone.stages:
        prefix, tail = cut_behind(backbone, stage.name)
        assert tail(prefix(features)).equal(backbone(features))


def test_mlp_from_scratch_without_the_shape_of_its_input_is_refused() -> None:
    with pytest.raises(ValueError, match="An MLP from scratch needs the shape of its input"):
        MlpModel().build(2)
