from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from safetensors.torch import load_file
from torch import Tensor, nn

from tests.head_banks.test_membership import config
from tests.strategies.adapter_models import backbone_of, fitted
from tests.strategies.adapters.test_ssf import TINY_FIT
from tests.strategies.fits import fit, random_task, small_backbone, state_of, training
from tests.strategies.probe_runs import history_of
from tests.strategies.test_fine_tuning_runs import run
from tlx.head_banks.membership import alone_because
from tlx.strategies.adapters.ssf import Ssf
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.feature_extraction import FeatureExtraction
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse
from tlx.training.best_weights import BestWeights
from tlx.training.weight_average import WeightAverage

DECAY = 0.8


class Watch(Callback):
    """Notes the network's state after each step, and what is validated; stands before the rest."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Tensor]] = []
        self.validated: list[dict[str, Tensor]] = []
        self.losses: list[float] = []

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.steps.append(state_of(cast(TransferModule, module).backbone))

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        plain = cast(TransferModule, module).policy.plain_state()
        self.validated.append({name: value.clone() for name, value in plain.items()})
        self.losses.append(float(trainer.callback_metrics["val_loss"]))


def averaged(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the moving average of states by its definition, in double precision."""
    average = {name: value.double() for name, value in states[0].items()}
    for state in states[1:]:
        for name, value in state.items():
            average[name] = DECAY * average[name] + (1 - DECAY) * value.double()
    return average


def test_weight_average_is_validated_and_kept_with_its_buffers(tmp_path: Path) -> None:
    module = TransferModule(StructureReuse(small_backbone("shufflenet_v2_x0_5")), training())
    watch, best = Watch(), BestWeights(tmp_path)
    fit(module, watch, best, WeightAverage(DECAY), epochs=3, batch_size=4)
    assert len(watch.steps) == 6
    for epoch, validated in enumerate(watch.validated):
        expected = averaged(watch.steps[: 2 * (epoch + 1)])
        for name, value in validated.items():
            if value.is_floating_point():
                torch.testing.assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-6)
            else:
                assert value.equal(watch.steps[2 * epoch + 1][name]), name
    name = "conv1.1.running_var"
    assert not watch.validated[2][name].equal(watch.steps[5][name])

    kept = load_file(best.path)
    assert all(value.equal(watch.validated[best.epoch - 1][n]) for n, value in kept.items())
    last = module.backbone.network.state_dict()
    assert all(value.equal(last[n]) for n, value in watch.steps[-1].items())


def test_weight_average_is_what_the_validation_loss_tells_of() -> None:
    module = TransferModule(StructureReuse(small_backbone("shufflenet_v2_x0_5")), training())
    watch = Watch()
    fit(module, watch, WeightAverage(DECAY), epochs=2, batch_size=4)
    fresh = small_backbone("shufflenet_v2_x0_5").eval()
    fresh.network.load_state_dict(watch.validated[-1])
    task = random_task()
    with torch.no_grad():
        logits = fresh(fresh.preprocess(task.val.inputs))
    expected = float(nn.functional.cross_entropy(logits, task.val.labels))
    assert watch.losses[-1] == pytest.approx(expected, rel=1e-5)


def test_weight_average_of_an_adapter_is_merged_as_averaged(tmp_path: Path) -> None:
    module = TransferModule(Ssf(backbone_of("vit_b_32")), training())
    watch, best = Watch(), BestWeights(tmp_path)
    fit(module, watch, best, WeightAverage(DECAY), epochs=2, batch_size=4)
    last = averaged(watch.steps)
    name = "encoder.layers.encoder_layer_0.mlp.0"
    weight = f"{name}.parametrizations.weight"
    expected = last[f"{weight}.original"] * last[f"{weight}.0.scale"].view(-1, 1)
    merged = watch.validated[-1][f"{name}.weight"]
    torch.testing.assert_close(merged.double(), expected, rtol=1e-5, atol=1e-6)
    module.policy.finish()
    best.restore(module.backbone.network)
    state = module.backbone.network.state_dict()
    assert all(value.equal(watch.validated[best.epoch - 1][n]) for n, value in state.items())


def test_weight_average_holds_nothing_that_is_frozen() -> None:
    module = TransferModule(FeatureExtraction(small_backbone("shufflenet_v2_x0_5")), training())
    average = WeightAverage(DECAY)
    fit(module, average, epochs=1, batch_size=4)
    held = set(average.state_dict()["averages"])
    parameters = set(dict(module.backbone.network.named_parameters()))
    assert held & parameters == {"fc.weight", "fc.bias"}


def test_weight_average_of_an_interrupted_fit_goes_on_to_the_same_end(tmp_path: Path) -> None:
    words = (*TINY_FIT, "strategy=structure_reuse", "strategy.init=scratch")
    average = (*words, "trainer.ema_decay=0.7")
    unbroken = fitted(tmp_path / "unbroken", *average)
    resumed = fitted(tmp_path / "resumed", *average, stop_in_epoch=1)
    assert all(value.equal(resumed[name]) for name, value in unbroken.items())
    histories = [history_of(tmp_path / name) for name in ("unbroken", "resumed")]
    columns = ["train_loss", "val_loss", "val_accuracy"]
    assert histories[0][columns].equals(histories[1][columns])
    fitted(tmp_path / "plain", *words)
    plain = history_of(tmp_path / "plain")
    assert plain["train_loss"].equals(histories[0]["train_loss"])  # training is what it was
    assert not plain["val_loss"].equals(histories[0]["val_loss"])


def test_weight_average_with_stored_activations_gives_the_same_numbers(tmp_path: Path) -> None:
    words = ("strategy.train_stages=1", "trainer.ema_decay=0.7", "trainer.epochs=1")
    with_store: Any = run(tmp_path / "auto", "partial", *words)
    without: Any = run(tmp_path / "off", "partial", *words, "activations=off")
    assert with_store["activations"]["used"]
    assert not without["activations"]["used"]
    for column in ("train_loss", "val_loss"):
        one, other = (history_of(tmp_path / n)[column].to_list() for n in ("auto", "off"))
        assert one == pytest.approx(other, rel=1e-4)
    losses = [result["metrics"]["test"]["loss"] for result in (with_store, without)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_job_that_averages_its_weights_trains_in_no_bank() -> None:
    assert alone_because(config()) is None
    assert (
        alone_because(config(trainer__ema_decay=0.99)) == "trainer.ema_decay averages its weights"
    )
