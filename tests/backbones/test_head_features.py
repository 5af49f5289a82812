from __future__ import annotations

import pytest
import torch

from tests.strategies.fits import SMALLEST_OF_FAMILY, small_backbone
from tlx.backbones import cut_behind, head_path
from tlx.backbones.construct import construct
from tlx.backbones.head_features import head_features, why_not_linear
from tlx.backbones.tracing import main_output, trace


@pytest.mark.parametrize("name", SMALLEST_OF_FAMILY)
def test_network_ends_in_its_head_wherever_that_is_said_to_be_linear(name: str) -> None:
    output = main_output(trace(construct(name, 2, meta=True)).graph)
    ends_in_head = output.target == head_path(name)
    assert ends_in_head == (why_not_linear(name, with_intercept=False) is None)
    assert ends_in_head == (name != "squeezenet1_1")
    assert (why_not_linear(name) is None) == (name not in ("squeezenet1_1", "maxvit_t"))


@pytest.mark.parametrize("name", ["googlenet", "mobilenet_v3_small", "swin_t"])
def test_head_of_features_gives_the_logits(name: str) -> None:
    backbone = small_backbone(name).eval()
    size = SMALLEST_OF_FAMILY[name]
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    features = head_features(backbone, backbone, images)
    assert features.ndim == 2
    with torch.no_grad():
        torch.testing.assert_close(backbone.head(features), backbone(images))


def test_head_features_behind_a_cut_are_those_of_the_images() -> None:
    backbone = small_backbone("mobilenet_v2").eval()
    images = torch.rand(2, 3, 32, 32)
    prefix, tail = cut_behind(backbone, backbone.stage_names[-1])
    behind = head_features(backbone, tail.eval(), prefix(images))
    torch.testing.assert_close(behind, head_features(backbone, backbone, images))
