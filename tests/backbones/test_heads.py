from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tlx.backbones.construct import construct
from tlx.backbones.heads import auxiliary_paths, head_path, replace_head

SMALL_OF_FAMILY = (
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "swin_t",
    "convnext_tiny",
)


def _std(values: Tensor) -> float:
    return float(values.detach().std())


def _largest(values: Tensor) -> float:
    return float(values.detach().abs().max())


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("resnet18", "fc"),
        ("densenet121", "classifier"),
        ("efficientnet_v2_s", "classifier.1"),
        ("convnext_tiny", "classifier.2"),
        ("mobilenet_v3_small", "classifier.3"),
        ("maxvit_t", "classifier.5"),
        ("alexnet", "classifier.6"),
        ("swin_v2_t", "head"),
        ("vit_b_16", "heads.head"),
    ],
)
def test_head_path_by_family_is_where_torchvision_has_it(name: str, path: str) -> None:
    assert head_path(name) == path


@pytest.mark.parametrize("name", SMALL_OF_FAMILY)
def test_replace_head_starts_from_torchvisions_own_distribution(name: str) -> None:
    torch.manual_seed(0)
    network = construct(name, 400, auxiliary=False)
    theirs = network.get_submodule(head_path(name))
    replace_head(network, name, 400)
    ours = network.get_submodule(head_path(name))
    assert ours is not theirs
    assert _std(ours.weight) == pytest.approx(_std(theirs.weight), rel=0.05)
    assert _largest(ours.weight) == pytest.approx(_largest(theirs.weight), rel=0.3)
    assert (ours.bias is None) == (theirs.bias is None)
    if theirs.bias is not None:
        assert _std(ours.bias) == pytest.approx(_std(theirs.bias), rel=0.2)


def test_replace_head_of_vit_starts_from_zero_as_torchvision_does() -> None:
    network = construct("vit_b_32", 10, meta=True)
    network.heads.head = nn.Linear(768, 10)
    replace_head(network, "vit_b_32", 4)
    assert torch.count_nonzero(network.heads.head.weight) == 0
    assert network.heads.head.weight.shape == (4, 768)


def test_replace_head_of_squeezenet_keeps_the_relu_and_pooling_behind_it() -> None:
    network = construct("squeezenet1_1", 1000)
    replace_head(network, "squeezenet1_1", 3)
    kinds = [type(layer) for layer in network.classifier]
    assert kinds == [nn.Dropout, nn.Conv2d, nn.ReLU, nn.AdaptiveAvgPool2d]
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 3)
    assert network.num_classes == 3


def test_replace_head_of_googlenet_replaces_the_auxiliary_layers_too() -> None:
    network = construct("googlenet", 1000)
    replace_head(network, "googlenet", 5)
    outputs = network.train()(torch.zeros(2, 3, 64, 64))
    assert [tuple(output.shape) for output in outputs] == [(2, 5)] * 3
    assert auxiliary_paths("googlenet") == ("aux1", "aux2")


def test_replace_head_of_inception_keeps_its_narrow_auxiliary_spread() -> None:
    torch.manual_seed(0)
    network = construct("inception_v3", 200)
    replace_head(network, "inception_v3", 200)
    assert _std(network.fc.weight) == pytest.approx(0.1, rel=0.03)
    assert _std(network.AuxLogits.fc.weight) == pytest.approx(0.001, rel=0.03)


def test_replace_head_that_is_no_layer_raises_type_error() -> None:
    network = construct("resnet18", 10, meta=True)
    network.fc = nn.Identity()
    with pytest.raises(TypeError, match="Linear or a 1x1 Conv2d, not Identity"):
        replace_head(network, "resnet18", 3)
