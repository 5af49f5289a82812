"""A resumed fit is held to model A, not to the weights of its checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pytorch_lightning import Trainer

from tests.regularization.models import regularised, rows_model, rows_task
from tests.strategies.fits import state_of
from tests.strategies.plain_loop import farthest
from tlx.data.batches import TaskDataModule
from tlx.regularization.co_tuning import CoTuning
from tlx.regularization.feature_distillation import FeatureDistillation
from tlx.regularization.fisher_l2_sp import FisherL2Sp
from tlx.regularization.l2_sp import L2Sp
from tlx.regularization.regularizer import Regularizer
from tlx.regularization.relation_distillation import RelationDistillation
from tlx.regularization.starting_point import StartingPointPenalty
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse


def fit_until(
    epochs: int, regularizer: Regularizer, checkpoint: Path | None = None
) -> StructureReuse:
    """Fit, from a checkpoint if there is one, and write another."""
    module = TransferModule(StructureReuse(rows_model()), regularised(regularizer))
    trainer = Trainer(
        accelerator="cpu", max_epochs=epochs, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    data = TaskDataModule(rows_task(), batch_size=4, seed=0)
    path = None if checkpoint is None or not checkpoint.exists() else str(checkpoint)
    trainer.fit(module, data, ckpt_path=path)
    if checkpoint is not None:
        trainer.save_checkpoint(checkpoint)
    return module


@pytest.mark.parametrize(
    "regularizer",
    [
        L2Sp(0.5),
        FisherL2Sp(0.5),
        FeatureDistillation(),
        FeatureDistillation(target="features"),
        RelationDistillation(1.0, 1.0),
        CoTuning(),
    ],
)
def test_fit_resumed_is_the_unbroken_one(regularizer: Regularizer, tmp_path: Path) -> None:
    whole = fit_until(4, regularizer)
    fit_until(2, regularizer, tmp_path / "a.ckpt")
    resumed = fit_until(4, regularizer, tmp_path / "a.ckpt")
    assert farthest(state_of(whole.backbone), state_of(resumed.backbone)) == 0
    assert "penalty" in whole.terms
    for name, value in whole.terms["penalty"].state_dict().items():
        assert value.equal(resumed.state_dict()[f"terms.penalty.{name}"])


def test_fit_resumed_is_drawn_to_model_a_and_not_to_its_checkpoint(tmp_path: Path) -> None:
    fit_until(2, L2Sp(0.5), tmp_path / "a.ckpt")
    resumed = fit_until(4, L2Sp(0.5), tmp_path / "a.ckpt")
    assert isinstance(resumed.terms["penalty"], StartingPointPenalty)
    start = rows_model().network.hidden1.weight.detach()
    kept = torch.load(tmp_path / "a.ckpt", weights_only=True)["state_dict"]
    assert resumed.terms["penalty"]._start[0].equal(start)
    assert not kept["backbone.network.hidden1.weight"].equal(start)
