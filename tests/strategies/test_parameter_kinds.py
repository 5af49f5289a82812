from __future__ import annotations

import pytest
from torch import nn

from tlx.backbones.construct import construct
from tlx.strategies.parameter_kinds import bias_parameters, norm_layers, norm_parameters


@pytest.mark.parametrize(
    ("name", "kind", "layers"),
    [
        ("resnet18", nn.BatchNorm2d, 20),
        ("convnext_tiny", nn.LayerNorm, 23),
        ("vit_b_32", nn.LayerNorm, 25),
        ("vgg11", nn.BatchNorm2d, 0),
    ],
)
def test_norm_layers_are_those_of_the_papers(name: str, kind: type[nn.Module], layers: int) -> None:
    network = construct(name, 2, meta=True)
    found = norm_layers(network)
    assert len(found) == layers
    assert all(isinstance(layer, kind) for layer in found.values())
    assert len(norm_parameters(network)) == 2 * layers


def test_bias_parameters_of_a_transformer_leave_tables_and_tokens_out() -> None:
    vit = bias_parameters(construct("vit_b_32", 2, meta=True))
    layer = "encoder.layers.encoder_layer_0"
    assert f"{layer}.self_attention.in_proj_bias" in vit
    assert f"{layer}.ln_1.bias" in vit
    assert (
        len(vit) == 12 * 6 + 3
    )  # two norms, two of attention, two of the MLP; patches, norm, head
    swin = bias_parameters(construct("swin_t", 2, meta=True))
    assert not [name for name in swin if "table" in name]


def test_norm_and_bias_parameters_of_groups_and_instances_are_found() -> None:
    network = nn.Sequential(
        nn.GroupNorm(1, 4), nn.InstanceNorm2d(4, affine=True), nn.Linear(4, 2), nn.RMSNorm(2)
    )
    assert norm_parameters(network) == {"0.weight", "0.bias", "1.weight", "1.bias", "3.weight"}
    assert bias_parameters(network) == {"0.bias", "1.bias", "2.bias"}
