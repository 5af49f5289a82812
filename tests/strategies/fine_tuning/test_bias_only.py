from __future__ import annotations

import pytest

from tests.strategies.fits import changed, fit, small_backbone, state_of, training
from tests.strategies.plain_loop import farthest, plain_loop, plain_recipe, whole_batches
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.bias_only import BiasOnly


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "swin_t"])
def test_bias_only_after_a_fit_changes_biases_and_head_alone(name: str) -> None:
    backbone = small_backbone(name)
    before = state_of(backbone)
    fit(TransferModule(BiasOnly(backbone), training()), epochs=1, batch_size=8)
    moved = {n for n in changed(before, backbone) if not n.startswith(backbone.head_path)}
    assert moved
    assert all(n.endswith("bias") for n in moved)


def test_bias_only_is_a_plain_loop_over_biases() -> None:
    module = TransferModule(BiasOnly(small_backbone("resnet18")), plain_recipe())
    reference = small_backbone("resnet18")
    names = {n for n, _ in reference.network.named_parameters() if n.endswith(".bias")}
    expected = plain_loop(reference, lambda _: {*names, "fc.weight"})
    assert farthest(whole_batches(module), expected) < 1e-5


def test_bias_only_counts_and_describes_what_trains() -> None:
    module = TransferModule(BiasOnly(small_backbone("vit_b_32")), training())
    assert (
        module.policy.parameter_counts()["trained"] == 102_912 + 768 * 3 + 3
    )  # BitFit's share: 0.1 %
    assert module.policy.describe() == "trains 75 biases, head; the rest frozen"
    assert module.frozen_prefix() is None
