from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from safetensors.torch import load_file

from tests.tiny import result_of
from tests.training.interrupts import StopInEpoch, interrupts_restored
from tlx.activations.serve import serve
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.config.stored.record import config_text
from tlx.runs.run import Run, RunInterrupted
from tlx.train import resume, train
from tlx.training.fit import Fit, prepare
from tlx.training.phases import PhasedBatches, of_phase
from tlx.training.run import build_model_a

WORDS = (
    "backbone.image_size=32", "strategy=gradual", "strategy.stages=2", "strategy.every_epochs=2",
    "data.train_per_class=3", "data.val_per_class=2", "trainer.batch_size=8", "trainer.epochs=5",
    "trainer.threads=1", "trainer.device=cpu", "optimizer.lr=0.01",
)  # fmt: skip


def test_of_phase_is_the_last_one_that_has_begun() -> None:
    phases = {0: "a", 2: "b", 5: "c"}
    found = "".join(of_phase(phases, epoch) for epoch in range(7))
    assert found == "aabbbcc"


def interrupted(folder: Path, words: list[str], epoch: int) -> None:
    """Run as `tlx.train` does, until Ctrl-C in the second step of an epoch."""
    config = compose_config(words)
    plan, run = checked_plan(config), Run.start(folder, config=config_text(config))
    task = plan.data.load()
    module = plan.strategy.apply(build_model_a(plan, task), plan.training)
    fitting = prepare(plan, task, module, run)
    served = serve(plan.activations, task, module, fitting.compute, plan.trainer.epochs)
    fitting = fitting.on_cached(served)
    assert isinstance(fitting, Fit)
    assert isinstance(fitting.data, PhasedBatches)
    fitting.trainer.callbacks.append(StopInEpoch(epoch))  # type: ignore[attr-defined]
    with interrupts_restored(), pytest.raises(RunInterrupted), run.recording():
        fitting.run()


def test_fit_in_phases_interrupted_in_any_of_them_goes_on_to_the_same_end(tmp_path: Path) -> None:
    words = [*WORDS, f"activations.folder={tmp_path / 'store'}"]
    train(compose_config(words), tmp_path / "whole")
    expected = load_file(tmp_path / "whole/checkpoints/best.safetensors")
    columns = ["epoch", "train_loss", "val_loss", "val_accuracy"]
    losses = pd.read_csv(tmp_path / "whole/metrics.csv")[columns]
    for epoch in (2, 3):  # the first epoch of a phase, and the second
        folder = tmp_path / f"broken_{epoch}"
        interrupted(folder, words, epoch)
        resume(folder)
        pd.testing.assert_frame_equal(pd.read_csv(folder / "metrics.csv")[columns], losses)
        found = load_file(folder / "checkpoints/best.safetensors")
        assert all(value.equal(expected[name]) for name, value in found.items())
        assert len(result_of(folder)["activations"]["phases"]) == 3
