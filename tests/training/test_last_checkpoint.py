from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from tests.training.scripted import Scripted, fit_scripted
from tlx.training import last_checkpoint
from tlx.training.best_weights import BestWeights
from tlx.training.last_checkpoint import LastCheckpoint

PATH = Path("checkpoints/last.ckpt")


class Seen(Callback):
    """Notes which epoch (from 0) each checkpoint is of."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def on_save_checkpoint(
        self, trainer: Trainer, module: LightningModule, checkpoint: dict[str, object]
    ) -> None:
        self.epochs.append(trainer.current_epoch)


@pytest.mark.parametrize(("share", "expected"), [(1.0, [0, 1, 2, 3]), (1e-9, [0, 3])])
def test_last_checkpoint_of_short_epochs_is_of_the_first_and_the_last(
    share: float, expected: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_checkpoint, "MOST_SHARE", share)
    seen = Seen()
    fit_scripted(tmp_path, Scripted([0.1] * 4), [BestWeights(tmp_path), seen])
    assert seen.epochs == expected
    assert torch.load(tmp_path / PATH, weights_only=True)["epoch"] == 3


def test_last_checkpoint_of_an_epoch_that_stops_early_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(Callback):
        def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
            trainer.should_stop = trainer.current_epoch == 2

    monkeypatch.setattr(last_checkpoint, "MOST_SHARE", 1e-9)
    seen = Seen()
    fit_scripted(tmp_path, Scripted([0.1] * 6), [Stop(), seen])
    assert seen.epochs == [0, 2]


def test_last_checkpoint_that_lags_behind_is_resumed_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_checkpoint, "MOST_SHARE", 1e-9)
    accuracies = [0.1, 0.9, 0.5, 0.7]
    with pytest.raises(RuntimeError, match="broken off"):
        fit_scripted(tmp_path, Scripted(accuracies, fails_in=3), [BestWeights(tmp_path)])
    assert torch.load(tmp_path / PATH, weights_only=True)["epoch"] == 0
    best, seen = BestWeights(tmp_path), Seen()
    fit_scripted(tmp_path, Scripted(accuracies), [best, seen], resume=True)
    assert (best.epoch, seen.epochs) == (2, [1, 3])


def test_last_checkpoint_lies_in_the_run_s_folder(tmp_path: Path) -> None:
    assert Path(str(LastCheckpoint(tmp_path, 1).dirpath)) == (tmp_path / PATH).parent
