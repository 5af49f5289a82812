"""The adapter methods over one builder of each of torchvision's families."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.strategies.adapter_models import assert_close, disturb
from tests.strategies.fits import CLASSES, SMALLEST_OF_FAMILY, small_backbone, training
from tlx.backbones import Backbone
from tlx.extras import missing_modules
from tlx.strategies.adapters.adapted import Adapted
from tlx.strategies.adapters.lora import Lora
from tlx.strategies.adapters.ssf import Ssf
from tlx.strategies.base import TransferModule


def examples(name: str) -> Tensor:
    size = SMALLEST_OF_FAMILY[name]
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(2))


def logits(backbone: Backbone, images: Tensor) -> Tensor:
    with torch.no_grad():
        found: Tensor = backbone.eval()(images)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("method", [Ssf, Lora])
@pytest.mark.parametrize("name", sorted(SMALLEST_OF_FAMILY))
def test_adapter_trains_all_its_parts_and_merges(name: str, method: type[Adapted]) -> None:
    if method is Lora and missing_modules("lora"):
        pytest.skip("needs the extra: pip install -e '.[lora]'")
    backbone, images = small_backbone(name), examples(name)
    nn.init.normal_(backbone.head.weight)  # ViT's begins with zeros
    before, plain = logits(backbone, images), set(backbone.network.state_dict())
    module = TransferModule(method(backbone), training())
    assert_close(logits(backbone, images), before)
    disturb(module, by=0.01)
    expected = logits(backbone, images)
    backbone.network.zero_grad()
    loss = nn.functional.cross_entropy(module.train().backbone(images), torch.arange(2) % CLASSES)
    loss.backward()
    named = dict(backbone.network.named_parameters())
    assert {n for n in module.policy.trained_parameters() if named[n].grad is None} == set()
    assert {n for n, p in named.items() if p.grad is not None} == module.policy.trained_parameters()
    module.policy.finish()
    assert_close(logits(backbone, images), expected, by=1e-4)
    assert set(backbone.network.state_dict()) == plain - {
        n for n in plain if n.startswith("aux") or n.startswith("AuxLogits")
    }
