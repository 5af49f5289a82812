from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.models import mnasnet0_5

from tests.training.scripted import Scripted, fit_scripted
from tlx.training import best_weights, last_checkpoint
from tlx.training.best_weights import BestWeights


@pytest.mark.parametrize(
    ("accuracies", "epoch"),
    [
        ([0.2, 0.9, 0.5], 2),
        ([0.2, 0.9, 0.9], 2),  # the earliest of equals
        ([0.5, 0.5, 0.5], 1),
        ([0.0, 0.0], 1),
        ([0.1, 0.2, 0.3], 3),
    ],
)
def test_best_weights_are_those_of_the_earliest_best_epoch(
    accuracies: list[float], epoch: int, tmp_path: Path
) -> None:
    best = BestWeights(tmp_path)
    module = Scripted(accuracies)
    fit_scripted(tmp_path, module, [best])
    assert best.epoch == epoch
    assert best.score == pytest.approx(max(accuracies))
    assert module.network.weight.item() == len(accuracies)

    best.restore(module.network)

    assert module.network.weight.item() == epoch  # the weight counts the epochs
    assert float(load_file(best.path)["weight"]) == epoch
    assert best.path == tmp_path / "checkpoints/best.safetensors"


@pytest.mark.parametrize(
    ("losses", "epoch"),
    [([3.0, 2.0, 1.0], 2), ([3.0, 1.0, 2.0], 2), ([0.1, 2.0, 3.0], 1)],
)
def test_best_weights_of_equal_accuracy_are_those_of_the_lowest_loss(
    losses: list[float], epoch: int, tmp_path: Path
) -> None:
    best = BestWeights(tmp_path)
    fit_scripted(tmp_path, Scripted([0.9, 0.9, 0.5], losses=losses), [best])
    assert best.epoch == epoch


def test_best_weights_of_a_resumed_fit_remember_the_earlier_best(tmp_path: Path) -> None:
    accuracies = [0.3, 0.9, 0.5, 0.9]
    with pytest.raises(RuntimeError, match="broken off"):
        fit_scripted(tmp_path, Scripted(accuracies, fails_in=3), [BestWeights(tmp_path)])
    best = BestWeights(tmp_path)
    fit_scripted(tmp_path, Scripted(accuracies), [best], resume=True)
    assert best.epoch == 2
    assert best.score == pytest.approx(0.9)
    assert float(load_file(best.path)["weight"]) == 2


def test_best_weights_restore_brings_back_buffers_and_keeps_the_layout(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)).to(
        memory_format=torch.channels_last
    )
    best = BestWeights(tmp_path)
    module = Scripted([1.0])
    module.backbone.network = network
    with torch.no_grad():
        network(torch.randn(8, 2, 4, 4))
    expected = {name: value.clone() for name, value in network.state_dict().items()}
    fit_scripted(tmp_path, module, [best])
    for value in network.state_dict().values():
        value.zero_()
    best.restore(network)
    assert all(value.equal(expected[name]) for name, value in network.state_dict().items())
    weight = network.get_parameter("0.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_best_weights_restore_into_another_structure_is_an_error(tmp_path: Path) -> None:
    best = BestWeights(tmp_path)
    fit_scripted(tmp_path, Scripted([1.0]), [best])
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        best.restore(nn.Linear(2, 2))


def test_best_weights_are_written_when_the_fit_ends_and_before_each_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best, written = BestWeights(tmp_path), []
    monkeypatch.setattr(best_weights, "save_file", lambda state, path, metadata: written.append(
        (float(state["weight"]), save_file(state, path, metadata))[0]))  # fmt: skip
    monkeypatch.setattr(last_checkpoint, "MOST_SHARE", 1e-9)  # no epoch is worth a second one
    fit_scripted(tmp_path, Scripted([0.1, 0.2, 0.3, 0.4, 0.1]), [best])
    assert written == [1, 4]  # before the first checkpoint, and of the best epoch
    assert best.epoch == 4


def test_best_weights_of_a_fit_that_breaks_are_written(tmp_path: Path) -> None:
    best = BestWeights(tmp_path)
    with pytest.raises(RuntimeError, match="broken off"):
        fit_scripted(tmp_path, Scripted([0.1, 0.2, 0.9], fails_in=2), [best])
    assert float(load_file(best.path)["weight"]) == 2


def test_best_weights_keep_no_second_copy_of_what_never_trains(tmp_path: Path) -> None:
    class Peek(BestWeights):
        def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
            assert self._kept is not None
            frozen = cast("Scripted", module).backbone.network[0].weight
            self.shared = {n: v.data_ptr() == frozen.data_ptr() for n, v in self._kept.items()}
            super().on_train_end(trainer, module)

    best, module = Peek(tmp_path), Scripted([1.0])
    module.backbone.network = nn.Sequential(nn.Linear(1, 1), module.network)
    fit_scripted(tmp_path, module, [best])
    assert best.shared == {"0.weight": True, "0.bias": False, "1.weight": False, "1.bias": False}
    assert set(load_file(best.path)) == set(best.shared)


def test_best_weights_of_a_network_that_reads_its_version_come_back(tmp_path: Path) -> None:
    network = mnasnet0_5(num_classes=2)  # refuses a state whose layers name no version
    keeper = BestWeights(tmp_path)
    keeper.path.parent.mkdir()
    save_file(dict(mnasnet0_5(num_classes=2).state_dict()), keeper.path)
    keeper.restore(network)
    written = load_file(keeper.path)
    assert all(value.equal(written[name]) for name, value in network.state_dict().items())
