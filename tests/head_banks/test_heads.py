from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.strategies.fits import SMALLEST_OF_FAMILY, small_backbone, training
from tlx.backbones.cutting import cut_behind
from tlx.head_banks.heads import LinearHeads, StackedHeads, TailHeads, fits_bank, stacked_heads
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.feature_extraction import FeatureExtraction


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1"])
def test_tail_of_a_frozen_backbone_fits_a_bank(name: str) -> None:
    backbone = small_backbone(name)
    TransferModule(FeatureExtraction(backbone), training())
    prefix, tail = cut_behind(backbone, backbone.stage_names[-1])
    assert fits_bank(tail.training_graph) is None
    size = SMALLEST_OF_FAMILY[name]
    with torch.no_grad():
        features = prefix(torch.randn(2, 3, size, size))
    heads = stacked_heads(tail.training_graph, features)
    assert isinstance(heads, TailHeads if name == "squeezenet1_1" else LinearHeads)


class Dropping(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.linear(F.dropout(features, 0.5, self.training))
        return logits


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (
            nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3)),
            "its layer 0 draws at random or keeps averages",
        ),
        (
            torch.fx.symbolic_trace(Dropping()),
            "its operation dropout draws at random or keeps averages",
        ),
        (nn.Flatten(), "nothing in it trains"),
        (nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 3)), None),
    ],
)
def test_fits_bank_names_what_does_not_stack(tail: nn.Module, reason: str | None) -> None:
    assert fits_bank(tail) == reason


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_heads_of_linear_layers_give_the_logits_and_gradients_of_each(groups: int) -> None:
    torch.manual_seed(0)
    layers = [nn.Linear(5, 3) for _ in range(6)]
    features, weights = torch.randn(groups, 7, 5), torch.randn(6, 7, 3)
    unit = torch.rand(6) + 0.5
    stored = [
        torch.stack([layer.weight / u for layer, u in zip(layers, unit, strict=True)]).detach(),
        torch.stack([layer.bias / u for layer, u in zip(layers, unit, strict=True)]).detach(),
    ]
    ways: list[StackedHeads] = [LinearHeads(), TailHeads(nn.Linear(5, 3), ["weight", "bias"])]
    for heads in ways:
        logits = heads.logits(features, stored, unit)
        assert logits.shape == (groups, 6 // groups, 3, 7)
        by_logits = weights.transpose(1, 2).reshape(logits.shape)
        found = heads.gradients(by_logits)
        for job, layer in enumerate(layers):
            layer.zero_grad()
            expected = layer(features[job // (6 // groups)])
            (expected * weights[job]).sum().backward()
            torch.testing.assert_close(logits.flatten(0, 1)[job].T, expected.detach())
            torch.testing.assert_close(found[0][job], layer.weight.grad)
            torch.testing.assert_close(found[1][job], layer.bias.grad)
