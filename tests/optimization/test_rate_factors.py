from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from tests.strategies.fits import fit, random_task, small_backbone, training
from tlx.optimization.optimizers import adamw, sgd
from tlx.optimization.parameter_groups import StagedParameters, parameter_groups
from tlx.optimization.schedules import one_cycle, warmup_cosine
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.partial import Partial
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse


def rates_of(trainer) -> dict[int, float]:
    groups = trainer.optimizers[0].param_groups
    return {id(p): group["lr"] for group in groups for p in group["params"]}


@pytest.mark.parametrize("factory", [adamw, sgd])
def test_layer_decay_slows_each_stage_by_its_distance_from_the_head(factory) -> None:
    backbone = small_backbone("resnet18")
    recipe = training(partial(factory, lr=0.01, layer_decay=0.5, head_lr_ratio=10.0))
    rates = rates_of(fit(TransferModule(StructureReuse(backbone), recipe), epochs=1, batch_size=8))
    network = backbone.network
    assert rates[id(network.fc.bias)] == pytest.approx(0.1)
    expected = {"layer4": 0.005, "layer3": 0.0025, "layer2": 0.00125, "layer1": 0.000625}
    for name, rate in expected.items():
        owned = network.get_submodule(name).parameters()
        assert all(rates[id(p)] == pytest.approx(rate) for p in owned)
    assert rates[id(network.conv1.weight)] == pytest.approx(0.01 * 0.5**5)
    assert rates[id(network.bn1.weight)] == pytest.approx(0.01 * 0.5**5)


def test_head_lr_ratio_is_torchs_own_optimizer_with_two_rates() -> None:
    backbone, reference = small_backbone("convnext_tiny"), small_backbone("convnext_tiny")
    for network in (backbone.network, reference.network):
        for part in network.modules():
            if type(part).__name__ == "StochasticDepth":
                part.p = 0.0
    recipe = training(partial(sgd, lr=0.01, momentum=0.0, weight_decay=0.0, head_lr_ratio=5.0))
    fit(TransferModule(Partial(backbone, train_stages=1), recipe), epochs=1, batch_size=8)

    head = list(reference.head.parameters())
    named = dict(reference.network.named_parameters())
    last = [named[name] for name in reference.stages[-1].parameter_names]
    optimizer = torch.optim.SGD([{"params": head, "lr": 0.05}, {"params": last, "lr": 0.01}])
    task = random_task()
    reference.eval()
    logits = reference(reference.preprocess(task.train.inputs))
    nn.functional.cross_entropy(logits, task.train.labels).backward()
    optimizer.step()
    for name, value in reference.network.state_dict().items():
        torch.testing.assert_close(backbone.network.state_dict()[name], value)


@pytest.mark.parametrize("schedule", [one_cycle, warmup_cosine])
def test_schedules_keep_the_ratios_of_the_groups(schedule) -> None:
    layers = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    named = StagedParameters(list(layers.named_parameters()), {"0.weight": 1, "0.bias": 1})
    optimizer = adamw(named, lr=1e-2, head_lr_ratio=4.0)
    scheduler = schedule(optimizer, 10)
    for _ in range(8):
        head, stage = (optimizer.param_groups[i]["lr"] for i in (0, 2))
        assert head == pytest.approx(4 * stage)
        optimizer.step()
        scheduler.step()


def test_groups_without_ratios_are_those_of_always() -> None:
    named = list(nn.Linear(2, 2).named_parameters())
    groups = parameter_groups(StagedParameters(named, {"weight": 3}), weight_decay=0.1, lr=1.0)
    assert [(g["name"], "lr" in g) for g in groups] == [("decay", False), ("no_decay", False)]


def test_groups_put_the_head_first_and_name_their_factor() -> None:
    named = list(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).named_parameters())
    staged = StagedParameters(named, {"0.weight": 1, "0.bias": 1})
    groups = parameter_groups(staged, weight_decay=0.1, lr=1.0, layer_decay=0.5)
    assert [g["name"] for g in groups] == ["decay x1", "no_decay x1", "decay x0.5", "no_decay x0.5"]
    assert [g["weight_decay"] for g in groups] == [0.1, 0.0, 0.1, 0.0]
    assert groups[0]["params"][0] is named[2][1]
