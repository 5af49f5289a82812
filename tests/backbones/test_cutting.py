from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import DenseNet

from tlx.backbones import Backbone, build_backbone, cut_behind
from tlx.backbones.preprocess import Preprocess

SMALLEST_LEGAL_PIXELS = {
    "alexnet": 64,
    "convnext_tiny": 32,
    "densenet121": 32,
    "efficientnet_b0": 32,
    "efficientnet_v2_s": 32,
    "googlenet": 32,
    "inception_v3": 75,
    "maxvit_t": 224,
    "mnasnet0_5": 32,
    "mobilenet_v2": 32,
    "mobilenet_v3_small": 32,
    "regnet_y_400mf": 32,
    "resnet18": 32,
    "resnext50_32x4d": 32,
    "shufflenet_v2_x0_5": 32,
    "squeezenet1_1": 32,
    "swin_v2_t": 32,
    "vgg11": 32,
    "vit_b_32": 32,
    "wide_resnet50_2": 32,
}


# MaxViT's smallest legal image is large, and its graph the longest: 20 s of tests.
SLOW = {"maxvit_t"}
BUILDERS = [
    pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
    for name in SMALLEST_LEGAL_PIXELS
]


@pytest.fixture(scope="module", params=BUILDERS)
def backbone(request: pytest.FixtureRequest) -> Iterator[Backbone]:
    torch.manual_seed(0)
    name = request.param
    made = build_backbone(name, num_classes=5, image_size=SMALLEST_LEGAL_PIXELS[name])
    # ViT's head starts from zero, which would hide every difference before it.
    nn.init.normal_(made.head.weight, std=0.02)
    return made


def _images(backbone: Backbone) -> Tensor:
    size = backbone.preprocess.crop_size
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


def _cuts(backbone: Backbone) -> tuple[str, str, str]:
    names = backbone.stage_names
    return names[0], names[len(names) // 2], names[-1]


def test_split_in_evaluation_is_bit_identical_to_the_whole(backbone: Backbone) -> None:
    images = _images(backbone)
    backbone.eval()
    with torch.no_grad():
        expected = backbone(images)
        assert expected.abs().max() > 0
        for stage_name in _cuts(backbone):
            prefix, tail = cut_behind(backbone, stage_name)
            assert torch.equal(tail.eval()(prefix(images)), expected)


def test_split_in_training_gives_the_whole_models_gradients(backbone: Backbone) -> None:
    images, labels = _images(backbone), torch.tensor([1, 3])
    middle = _cuts(backbone)[1]
    frozen = backbone.stage_names.index(middle) + 1
    backbone.train()
    for stage in backbone.stages[:frozen]:
        for path in stage.module_names:
            backbone.network.get_submodule(path).eval()
    _, tail = cut_behind(backbone, middle)
    later = {key for stage in backbone.stages[frozen:] for key in stage.parameter_names}
    later |= {f"{backbone.head_path}.{key}" for key, _ in backbone.head.named_parameters()}
    names = {value: key for key, value in backbone.network.named_parameters()}
    assert {names[parameter] for parameter in tail.parameters()} == later

    # Small parameters suffice: the gradients of early ones pass through all later ones.
    parameters = [parameter for parameter in tail.parameters() if parameter.numel() <= 100_000]
    whole = _gradients(backbone, images, labels, parameters)
    prefix, tail = cut_behind(backbone, middle)
    tail.train()
    # Without no_grad: attention takes a faster way there, with other rounding.
    features = prefix(images).detach()
    parts = _gradients(tail, features, labels, parameters)
    assert max(float(gradient.abs().max()) for gradient in whole) > 0
    for of_whole, of_parts in zip(whole, parts, strict=True):
        torch.testing.assert_close(of_parts, of_whole, rtol=1e-5, atol=1e-7)


def _gradients(
    module: nn.Module, inputs: Tensor, labels: Tensor, parameters: list[nn.Parameter]
) -> tuple[Tensor, ...]:
    torch.manual_seed(2)  # the same dropout for the whole and the parts
    loss = nn.functional.cross_entropy(module(inputs), labels)
    return torch.autograd.grad(loss, parameters)


def _dropping_densenet() -> Backbone:
    """A DenseNet with functional dropout, which a traced graph freezes."""
    torch.manual_seed(0)
    network = DenseNet(8, (2, 2, 2, 2), 16, drop_rate=0.5, num_classes=3)
    return Backbone("densenet121", network, preprocess=Preprocess(32, 32), num_classes=3)


def test_split_tail_drops_functionally_in_training_and_not_in_evaluation() -> None:
    backbone = _dropping_densenet()
    prefix, tail = cut_behind(backbone, "features.transition1")
    features = prefix(torch.randn(4, 3, 32, 32))
    assert not torch.equal(tail.train()(features), tail(features))
    assert torch.equal(tail.eval()(features), tail(features))


def test_split_tail_drops_by_module_in_training_and_not_in_evaluation() -> None:
    backbone = build_backbone("alexnet", num_classes=3, image_size=64)
    prefix, tail = cut_behind(backbone, "features.10")
    features = prefix(torch.randn(2, 3, 64, 64))
    assert not torch.equal(tail.train()(features), tail(features))
    assert torch.equal(tail.eval()(features), tail(features))


def test_split_prefix_never_trains_even_when_the_backbone_does() -> None:
    backbone = _dropping_densenet()
    prefix, _ = cut_behind(backbone, "features.denseblock2")
    images = torch.randn(4, 3, 32, 32)
    mean = backbone.network.features.norm0.running_mean.clone()
    backbone.train()
    prefix.train()
    assert not prefix.training
    assert torch.equal(prefix(images), prefix(images))
    assert torch.equal(backbone.network.features.norm0.running_mean, mean)


def test_split_shares_parameters_and_leaves_modes_alone() -> None:
    backbone = build_backbone("resnet18", num_classes=3, image_size=32).train()
    backbone.network.layer1.eval()
    prefix, tail = cut_behind(backbone, "layer2")
    assert backbone.network.layer3[0].bn1.training
    assert tail.training
    assert not backbone.network.layer1[0].bn1.training
    shared = {id(parameter) for part in (prefix, tail) for parameter in part.parameters()}
    assert shared == {id(parameter) for parameter in backbone.parameters()}


def test_split_behind_an_unknown_stage_raises_key_error() -> None:
    backbone = build_backbone("resnet18", num_classes=3, image_size=32)
    with pytest.raises(KeyError, match="layer9"):
        cut_behind(backbone, "layer9")
