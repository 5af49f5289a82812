from __future__ import annotations

import pytest

from tests.strategies.fits import (
    SMALLEST_OF_FAMILY,
    changed,
    fit,
    small_backbone,
    state_of,
    training,
)
from tlx.backbones.names import FAMILIES, family_of
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.feature_extraction import FeatureExtraction


def test_smallest_of_family_covers_every_family() -> None:
    assert {family_of(name) for name in SMALLEST_OF_FAMILY} == set(FAMILIES)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "resnet18", "squeezenet1_1", "vgg11_bn"])
def test_feature_extraction_after_a_fit_changes_the_head_alone(name: str) -> None:
    backbone = small_backbone(name)
    before = state_of(backbone)
    fit(TransferModule(FeatureExtraction(backbone), training()), epochs=1, batch_size=8)
    head = {n for n in before if n.startswith(f"{backbone.head_path}.")}
    assert changed(before, backbone) == head


def test_feature_extraction_counts_the_head_as_trained() -> None:
    module = TransferModule(FeatureExtraction(small_backbone("resnet18")), training())
    assert module.policy.parameter_counts() == {"trained": 512 * 3 + 3, "total": 11_178_051}


def test_feature_extraction_describes_what_trains() -> None:
    module = TransferModule(FeatureExtraction(small_backbone("resnet18")), training())
    assert module.policy.describe() == "trains head; 5 stages frozen"


def test_feature_extraction_of_googlenet_drops_its_auxiliary_heads() -> None:
    backbone = small_backbone("googlenet")
    assert backbone.has_auxiliary
    TransferModule(FeatureExtraction(backbone), training())
    assert not backbone.has_auxiliary
