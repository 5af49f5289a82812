from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from tlx.optimization.optimizers import adamw, sgd
from tlx.optimization.parameter_groups import decays, parameter_groups

# One builder with each kind of parameter: tokens, tables, layer scales, several norms.
BUILDERS = ("vit_b_32", "swin_t", "swin_v2_t", "maxvit_t", "convnext_tiny", "resnet18",
            "efficientnet_b0", "densenet121", "squeezenet1_1")  # fmt: skip
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


@pytest.fixture(scope="module", params=BUILDERS)
def network(request: pytest.FixtureRequest) -> nn.Module:
    with torch.device("meta"):
        built: nn.Module = get_model(request.param, weights=None, num_classes=3)
    return built


def linear_maps(network: nn.Module) -> set[str]:
    """Return the weights of linear maps, by the modules' types and not by names."""
    found = set()
    for path, module in network.named_modules():
        prefix = f"{path}." if path else ""
        if isinstance(module, nn.Linear | nn.Conv2d):
            found.add(f"{prefix}weight")
        if isinstance(module, nn.MultiheadAttention):
            found.add(f"{prefix}in_proj_weight")
    return found


def test_decays_is_true_of_linear_maps_and_nothing_else(network: nn.Module) -> None:
    assert {n for n, p in network.named_parameters() if decays(n, p)} == linear_maps(network)


def test_decays_is_false_of_every_norm_and_bias(network: nn.Module) -> None:
    norms = [path for path, m in network.named_modules() if isinstance(m, NORMS)]
    of_norms = {f"{path}.{end}" for path in norms for end in ("weight", "bias")}
    parameters = dict(network.named_parameters())
    biases = {name for name in parameters if name.endswith("bias")}
    assert biases
    assert not any(decays(n, p) for n, p in parameters.items() if n in of_norms | biases)


@pytest.mark.parametrize(
    ("builder", "name", "ndim"),
    [
        ("vit_b_32", "class_token", 3),
        ("vit_b_32", "encoder.pos_embedding", 3),
        ("swin_t", "features.1.0.attn.relative_position_bias_table", 2),
        ("swin_v2_t", "features.1.0.attn.logit_scale", 3),
        ("convnext_tiny", "features.1.0.layer_scale", 3),
    ],
)
def test_decays_is_false_of_what_is_no_linear_map_though_it_has_more_dimensions(
    builder: str, name: str, ndim: int
) -> None:
    with torch.device("meta"):
        parameter = get_model(builder, weights=None).get_parameter(name)
    assert parameter.ndim == ndim
    assert not decays(name, parameter)


def test_parameter_groups_hold_every_parameter_once(network: nn.Module) -> None:
    groups = parameter_groups(network.named_parameters(), weight_decay=0.3)
    assert [(g["name"], g["weight_decay"]) for g in groups] == [("decay", 0.3), ("no_decay", 0.0)]
    held = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in network.parameters())


def test_parameter_groups_without_parameters_of_a_kind_leave_the_group_out() -> None:
    groups = parameter_groups(nn.Linear(2, 2, bias=False).named_parameters(), weight_decay=0.1)
    assert [group["name"] for group in groups] == ["decay"]


def test_weight_decay_shrinks_weights_by_the_closed_form_and_leaves_biases() -> None:
    layer = nn.Linear(2, 2)
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    optimizer = adamw(layer.named_parameters(), lr=0.1, weight_decay=0.5)
    layer.weight.grad, layer.bias.grad = torch.zeros(2, 2), torch.zeros(2)
    optimizer.step()
    torch.testing.assert_close(layer.weight.detach(), weight * (1 - 0.1 * 0.5))
    assert layer.bias.detach().equal(bias)


@pytest.mark.parametrize("factory", [adamw, sgd])
def test_frozen_parameters_move_neither_by_momentum_nor_by_decay(factory: object) -> None:
    assert callable(factory)
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    optimizer = factory(network.named_parameters(), lr=0.1, weight_decay=0.5)
    images = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))

    def step() -> None:
        optimizer.zero_grad()
        network(images).square().sum().backward()
        optimizer.step()

    step()  # fills the momentum of all parameters
    frozen = network[0]
    for parameter in frozen.parameters():
        parameter.requires_grad_(False)
        parameter.grad = None
    before = [parameter.detach().clone() for parameter in network.parameters()]
    step()
    same = [b.equal(p) for b, p in zip(before, network.parameters(), strict=True)]
    assert same == [True, True, False, False]


def test_sgd_without_momentum_is_no_longer_nesterov() -> None:
    plain = sgd(nn.Linear(1, 1).named_parameters(), momentum=0.0)
    assert [group["nesterov"] for group in plain.param_groups] == [False, False]
    nesterov = sgd(nn.Linear(1, 1).named_parameters(), momentum=0.9)
    assert [group["nesterov"] for group in nesterov.param_groups] == [True, True]
