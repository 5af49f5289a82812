from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.strategies.adapter_models import (
    FAMILIES,
    MLP,
    assert_close,
    backbone_of,
    disturb,
    examples_of,
    fitted,
    logits_of,
    plain_logits,
)
from tests.strategies.fits import changed, fit, random_task, small_backbone, state_of, training
from tests.strategies.plain_loop import LR, MOMENTUM, plain_recipe, whole_batches
from tests.strategies.test_fine_tuning_runs import run
from tlx.evaluate import evaluate
from tlx.strategies.adapters.ssf import Ssf
from tlx.strategies.base import TransferModule

TINY_FIT = (
    "backbone=shufflenet_v2_x0_5", "backbone.weights=null", "backbone.image_size=32",
    "data.train_per_class=3", "data.val_per_class=2", "trainer.batch_size=16", "trainer.epochs=2",
    "trainer.threads=1", "trainer.device=cpu",
)  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_ssf_untrained_is_model_a(name: str) -> None:
    backbone = backbone_of(name)
    before, names = logits_of(backbone), set(backbone.network.state_dict())
    module = TransferModule(Ssf(backbone), training())
    assert_close(logits_of(backbone), before)
    assert set(module.policy.plain_state()) == names
    assert module.frozen_prefix() is None


@pytest.mark.parametrize("name", FAMILIES)
def test_ssf_merged_is_a_plain_network_which_gives_the_same(name: str) -> None:
    backbone = backbone_of(name)
    stages, untrained = backbone.stages, logits_of(backbone)
    module = TransferModule(Ssf(backbone), training())
    disturb(module)
    expected, state = logits_of(backbone), module.policy.plain_state()
    module.policy.finish()
    assert float((expected - untrained).abs().max()) > 1e-3
    assert_close(logits_of(backbone), expected)
    assert_close(plain_logits(name, state), expected)
    merged = backbone.network.state_dict()
    assert merged.keys() == state.keys()
    assert all(value.equal(state[key]) for key, value in merged.items())
    assert backbone.stages == stages


def test_ssf_is_a_plain_loop_over_factors_and_summands_behind_layers() -> None:
    module = TransferModule(Ssf(small_backbone("resnet18")), plain_recipe())
    fit_state = whole_batches(module)
    assert any("parametrizations" in name for name in fit_state)
    reference = small_backbone("resnet18").eval()
    added: list[nn.Parameter] = []
    for layer in reference.network.modules():
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
            channels = len(layer.weight)
            scale = nn.Parameter(torch.ones(1, channels, 1, 1))
            shift = nn.Parameter(torch.zeros(1, channels, 1, 1))
            with_shift = isinstance(layer, nn.BatchNorm2d)
            added += [scale, shift] if with_shift else [scale]

            def behind(m, given, out, scale=scale, shift=shift, with_shift=with_shift):
                return out * scale + shift if with_shift else out * scale

            layer.register_forward_hook(behind)
    parameters = [*added, *reference.head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=LR, momentum=MOMENTUM)
    task = random_task()
    for _ in range(3):
        optimizer.zero_grad()
        logits = reference(reference.preprocess(task.train.inputs))
        nn.functional.cross_entropy(logits, task.train.labels).backward()
        optimizer.step()
    expected = logits_of(reference)
    module.policy.finish()
    assert_close(logits_of(module.backbone), expected, by=1e-4)


@pytest.mark.parametrize("name", ["resnet18", "convnext_tiny", "vit_b_32", "swin_t"])
def test_ssf_after_a_fit_changes_what_it_added_and_the_head_alone(name: str) -> None:
    backbone = backbone_of(name)
    module = TransferModule(Ssf(backbone), training())
    before = state_of(backbone)
    fit(module, epochs=1, batch_size=8)
    head = {n for n in before if n.startswith(f"{backbone.head_path}.")}
    moved = changed(before, backbone) - head
    parts = {n for n in before if n.endswith((".scale", ".shift"))}
    assert moved <= parts
    assert len(moved) > len(parts) / 2


def test_ssf_counts_a_scale_per_channel_and_a_shift_where_there_is_a_bias() -> None:
    resnet = TransferModule(Ssf(small_backbone("resnet18")), training())
    # 4,800 channels of convolutions without a bias, and as many of norms with one.
    assert resnet.policy.parameter_counts()["trained"] == 4_800 + 2 * 4_800 + 512 * 3 + 3
    assert (
        resnet.policy.describe() == "trains scales and shifts of 40 layers, head; the rest frozen"
    )
    vit = TransferModule(Ssf(backbone_of("vit_b_32")), training())
    block = 3 * 8 + 8 + 12 + 8 + 2 * 8  # attention in and out, MLP in and out, two norms
    assert vit.policy.parameter_counts()["trained"] == 2 * (8 + 2 * block + 8) + 8 * 3 + 3
    mlp = TransferModule(Ssf(backbone_of(MLP)), training())
    assert mlp.policy.parameter_counts()["trained"] == 2 * (6 + 5) + 5 * 3 + 3


def test_ssf_gives_each_scale_the_depth_of_its_stage() -> None:
    module = TransferModule(Ssf(small_backbone("resnet18")), training())
    depths = module._staged_parameters().depths
    stages = len(module.backbone.stages)
    assert depths["conv1.parametrizations.weight.0.scale"] == stages
    assert depths["layer4.1.bn2.parametrizations.bias.0.shift"] == 1
    assert "fc.weight" not in depths
    assert set(depths) | {"fc.weight", "fc.bias"} == set(
        dict(module.backbone.network.named_parameters())
    )


def test_ssf_examples_in_training_see_frozen_batch_statistics() -> None:
    backbone = small_backbone("mobilenet_v2")
    module = TransferModule(Ssf(backbone), training()).train()
    assert not any(m.training for m in backbone.network.modules() if isinstance(m, nn.BatchNorm2d))
    assert module.backbone(examples_of(backbone)).requires_grad


def test_ssf_interrupted_goes_on_to_the_same_end(tmp_path: Path) -> None:
    words = (*TINY_FIT, "strategy=ssf")
    unbroken = fitted(tmp_path / "unbroken", *words)
    resumed = fitted(tmp_path / "resumed", *words, stop_in_epoch=1)
    assert unbroken.keys() == resumed.keys()
    assert all(value.equal(resumed[name]) for name, value in unbroken.items())
    best = load_file(tmp_path / "resumed/checkpoints/best.safetensors")
    assert all(value.equal(best[name]) for name, value in unbroken.items())


def test_ssf_run_ends_with_a_model_that_evaluates_to_its_own_scores(tmp_path: Path) -> None:
    result: Any = run(tmp_path / "run", "ssf")
    assert result["activations"] == {"used": False, "reason": "the first stage trains"}
    scores = evaluate(tmp_path / "run").to_dict()
    recorded = result["metrics"]["test"]
    assert scores["confusion_matrix"] == recorded["confusion_matrix"]
    assert scores["loss"] == pytest.approx(recorded["loss"], abs=1e-6)
