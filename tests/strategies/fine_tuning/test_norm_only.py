from __future__ import annotations

import pytest
import torch

from tests.strategies.fits import changed, fit, small_backbone, state_of, training
from tests.strategies.plain_loop import farthest, plain_loop, plain_recipe, whole_batches
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.norm_only import NormOnly
from tlx.strategies.parameter_kinds import norm_parameters

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@pytest.mark.parametrize("name", ["resnet18", "convnext_tiny", "shufflenet_v2_x0_5", "swin_t"])
def test_norm_only_after_a_fit_changes_norms_and_head_alone(name: str) -> None:
    backbone = small_backbone(name)
    before = state_of(backbone)
    fit(TransferModule(NormOnly(backbone), training()), epochs=1, batch_size=8)
    head = {n for n in before if n.startswith(f"{backbone.head_path}.")}
    moved = changed(before, backbone)
    assert moved <= norm_parameters(backbone.network) | head
    assert len(moved - head) > len(norm_parameters(backbone.network)) / 2


def test_norm_only_is_a_plain_loop_over_scales_and_shifts() -> None:
    module = TransferModule(NormOnly(small_backbone("resnet18")), plain_recipe())
    reference = small_backbone("resnet18")
    trained = {n for n in dict(reference.network.named_parameters()) if "bn" in n}
    trained |= {n for n, _ in reference.network.named_parameters() if "downsample.1" in n}
    expected = plain_loop(reference, lambda _: {*trained, "fc.weight", "fc.bias"})
    assert farthest(whole_batches(module), expected) < 1e-5


def test_norm_only_with_target_statistics_averages_those_of_the_batches() -> None:
    backbone = small_backbone("resnet18")
    inputs: list[torch.Tensor] = []
    backbone.network.bn1.register_forward_pre_hook(
        lambda m, given: inputs.append(given[0].detach()) if m.training else None
    )
    fit(TransferModule(NormOnly(backbone, statistics="target"), training()), epochs=1, batch_size=8)
    (seen,) = inputs
    expected = 0.1 * seen.mean(dim=(0, 2, 3))
    torch.testing.assert_close(backbone.network.bn1.running_mean, expected)


def test_norm_only_has_a_frozen_prefix_up_to_the_first_norm() -> None:
    assert TransferModule(NormOnly(small_backbone("resnet18")), training()).frozen_prefix() is None
    assert (
        TransferModule(NormOnly(small_backbone("vit_b_32")), training()).frozen_prefix()
        == "conv_proj"
    )


def test_norm_only_counts_and_describes_what_trains() -> None:
    module = TransferModule(NormOnly(small_backbone("resnet18")), training())
    assert module.policy.parameter_counts()["trained"] == 9_600 + 512 * 3 + 3
    assert module.policy.describe() == "trains 20 norms (statistics of A), head; the rest frozen"


def test_norm_only_faults_of_a_backbone_without_norms_names_another_strategy() -> None:
    (fault,) = NormOnly.faults((), backbone_name="vgg11")
    assert str(fault) == (
        "strategy=norm_only: vgg11 has no normalisation layers. Use strategy=bias_only."
    )
    assert NormOnly.faults((), backbone_name="vgg11_bn", statistics="target") == []
    (fault,) = NormOnly.faults((), backbone_name="vit_b_32", statistics="target")
    assert fault.reason == "the norms of vit_b_32 keep no statistics"


def test_norm_only_train_and_eval_by_turns_leave_dropout_asleep() -> None:
    backbone = small_backbone("mobilenet_v2")
    module = TransferModule(NormOnly(backbone, statistics="target"), training())
    module.eval()
    assert not any(m.training for m in backbone.network.modules())
    module.train()
    assert backbone.network.features[0][1].training
    assert not backbone.network.classifier[0].training
