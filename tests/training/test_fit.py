from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from tests.training.interrupts import StopInEpoch, interrupts_restored
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.runs.run import Run, RunInterrupted
from tlx.strategies.base import TransferModule
from tlx.training.fit import Fit, prepare

WORDS = (
    "backbone=squeezenet1_1", "backbone.weights=null", "backbone.image_size=32",
    "strategy=structure_reuse", "strategy.init=scratch", "data.train_per_class=3",
    "data.val_per_class=2", "trainer.batch_size=16", "trainer.epochs=2", "trainer.threads=1",
    "trainer.device=cpu",
)  # fmt: skip


@pytest.fixture(autouse=True)
def restored_interrupts() -> Iterator[None]:
    with interrupts_restored():
        yield


def prepared(run: Run, *words: str) -> tuple[Fit, TransferModule]:
    plan = checked_plan(compose_config([*WORDS, *words]))
    task = plan.data.load()
    torch.manual_seed(plan.seed)
    backbone = plan.source_model.build(len(task.class_names), from_weights=False)
    module = plan.strategy.apply(backbone, plan.training)
    return prepare(plan, task, module, run), module


def test_fit_ends_with_the_best_epoch_s_weights_and_tells_which(tmp_path: Path) -> None:
    run = Run.start(tmp_path)
    fitting, module = prepared(run)
    fitting.run()
    history = pd.read_csv(tmp_path / "metrics.csv")
    assert run.result.epochs == len(history) == 2
    ranked = history.sort_values(["val_accuracy", "val_loss"], ascending=[False, True])
    assert run.result.best_epoch == ranked["epoch"].iloc[0]
    best = load_file(tmp_path / "checkpoints/best.safetensors")
    assert all(v.equal(best[n]) for n, v in module.backbone.network.state_dict().items())


def test_fit_interrupted_says_how_to_go_on_and_goes_on_to_the_same_end(tmp_path: Path) -> None:
    unbroken = Run.start(tmp_path / "unbroken")
    whole, module = prepared(unbroken)
    whole.run()
    run = Run.start(tmp_path / "run")
    fitting, _ = prepared(run)
    fitting.trainer.callbacks.append(StopInEpoch(1))  # type: ignore[attr-defined]
    message = rf"^interrupted; go on with resume={tmp_path / 'run'}$"
    with pytest.raises(RunInterrupted, match=message), run.recording():
        fitting.run()

    again = Run.resume(tmp_path / "run")
    assert again.last_checkpoint == tmp_path / "run/checkpoints/last.ckpt"
    resumed, resumed_module = prepared(again)
    resumed.run()

    assert again.result.epochs == 2
    assert again.result.best_epoch == unbroken.result.best_epoch
    expected = module.backbone.network.state_dict()
    found = resumed_module.backbone.network.state_dict()
    assert all(value.equal(expected[name]) for name, value in found.items())


def test_fit_resumed_after_its_last_epoch_trains_no_more(tmp_path: Path) -> None:
    run = Run.start(tmp_path)
    fitting, module = prepared(run)
    fitting.run()
    expected = {n: v.clone() for n, v in module.backbone.network.state_dict().items()}
    again, again_module = prepared(run)
    again.run()
    assert (run.result.epochs, len(pd.read_csv(tmp_path / "metrics.csv"))) == (2, 2)
    found = again_module.backbone.network.state_dict()
    assert all(value.equal(expected[name]) for name, value in found.items())


def test_fit_with_patience_stops_early(tmp_path: Path) -> None:
    words = ("trainer.early_stopping_patience=1", "trainer.epochs=9", "optimizer.lr=1e-12")
    run = Run.start(tmp_path)
    fitting, _ = prepared(run, *words)
    fitting.run()
    assert (run.result.best_epoch, run.result.epochs) == (1, 2)


def test_fit_writes_its_checkpoint_as_often_as_asked(tmp_path: Path) -> None:
    fitting, _ = prepared(Run.start(tmp_path), "trainer.checkpoint_every_epochs=2",
                          "trainer.epochs=3")  # fmt: skip
    fitting.run()
    checkpoint = torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["epoch"] == 1
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == [
        "best.safetensors",
        "last.ckpt",
    ]


def test_fit_laid_out_channels_last_trains_that_way(tmp_path: Path) -> None:
    fitting, module = prepared(Run.start(tmp_path), "trainer.channels_last=true")
    fitting.run()
    weight = module.backbone.network.get_parameter("features.3.expand3x3.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not weight.is_contiguous()
