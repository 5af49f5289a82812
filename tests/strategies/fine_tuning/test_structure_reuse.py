from __future__ import annotations

import pytest
import torch

from tests.strategies.fits import changed, fit, small_backbone, state_of, training
from tlx.backbones import build_backbone
from tlx.errors import Fault
from tlx.strategies.base import AUXILIARY_WEIGHT, TransferModule
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse


@pytest.mark.parametrize("name", ["resnet18", "swin_t", "squeezenet1_1"])
def test_structure_reuse_after_a_fit_has_moved_every_parameter(name: str) -> None:
    backbone = small_backbone(name)
    before = state_of(backbone)
    fit(TransferModule(StructureReuse(backbone), training()))
    parameters = {name for name, _ in backbone.network.named_parameters()}
    assert parameters <= changed(before, backbone)


def test_structure_reuse_init_says_whether_weights_are_used() -> None:
    assert StructureReuse.starts_from_weights(init="pretrained")
    assert not StructureReuse.starts_from_weights(init="scratch")


def test_structure_reuse_pretrained_without_weights_is_a_contradiction() -> None:
    assert StructureReuse.faults(["layer1"], has_weights=False, init="pretrained") == [
        Fault(
            "strategy.init",
            "pretrained",
            "backbone.weights=null leaves none to start from",
            "Give backbone.weights, or say strategy.init=scratch.",
        )
    ]
    assert StructureReuse.faults(["layer1"], has_weights=False, init="scratch") == []
    assert StructureReuse.faults(["layer1"], has_weights=True, init="pretrained") == []


@pytest.mark.parametrize(("name", "heads"), [("googlenet", 2), ("inception_v3", 1)])
def test_structure_reuse_adds_the_auxiliary_losses(name: str, heads: int) -> None:
    backbone = build_backbone(name, num_classes=3, weights=None)
    module = TransferModule(StructureReuse(backbone), training())
    size = backbone.preprocess.crop_size
    images, labels = torch.randn(2, 3, size, size), torch.tensor([0, 1])
    module.eval()
    backbone.network.train()
    for part in backbone.network.modules():
        if isinstance(part, torch.nn.Dropout | torch.nn.BatchNorm2d):
            part.eval()
    module.log = lambda *_, **__: None  # type: ignore[method-assign]
    logits, auxiliary = backbone.forward_with_auxiliary(images)
    assert len(auxiliary) == heads
    cross_entropy = torch.nn.functional.cross_entropy
    expected = cross_entropy(logits, labels)
    expected = expected + AUXILIARY_WEIGHT * sum(cross_entropy(o, labels) for o in auxiliary)
    assert module.training_step((images, labels), 0).item() == pytest.approx(expected.item())


def test_structure_reuse_drops_auxiliary_heads_that_the_images_are_too_small_for() -> None:
    backbone = small_backbone("inception_v3")
    assert backbone.has_auxiliary
    TransferModule(StructureReuse(backbone), training())
    assert not backbone.has_auxiliary
