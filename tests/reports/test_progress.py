from __future__ import annotations

import logging
import re
import warnings
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import RichProgressBar
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from tlx.reports.progress import EpochLines, progress_callbacks

Batch = list[Tensor]


class _TinyModule(LightningModule):
    """Logs known values: its epoch as the losses, a tenth of it as the accuracy."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        loss: Tensor = self.layer(batch[0]).square().mean()
        self.log("train_loss", float(self.current_epoch), on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        self.log("val_loss", self.current_epoch + 0.5)
        self.log("val_accuracy", self.current_epoch / 10)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


class _LogsLossAtEpochEnd(_TinyModule):
    """Logs its training loss in a hook that Lightning calls after those of the callbacks."""

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        loss: Tensor = self.layer(batch[0]).square().mean()
        return loss

    def on_train_epoch_end(self) -> None:
        self.log("train_loss", self.current_epoch + 0.25)


class _StopAfter(Callback):
    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch + 1 >= self._epochs


def _fit(
    folder: Path,
    callbacks: list[Callback],
    epochs: int,
    is_terminal: bool = False,
    validate: bool = True,
    validate_every: int = 1,
    module: LightningModule | None = None,
) -> None:
    images = DataLoader(TensorDataset(torch.ones(4, 2)), batch_size=2)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=is_terminal,
        enable_model_summary=False,
        check_val_every_n_epoch=validate_every,
        default_root_dir=folder,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module or _TinyModule(), images, images if validate else None)


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "tlx"]


@pytest.fixture(autouse=True)
def _info_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tlx")


def test_epoch_lines_short_run_logs_each_epoch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fit(tmp_path, progress_callbacks(is_terminal=False), epochs=3)
    timeless = [re.sub(r"\d+\.\d s$", "T s", line) for line in _lines(caplog)]
    assert timeless == [
        "epoch 1/3  train loss 0.000  val loss 0.500  val accuracy 0.000  T s",
        "epoch 2/3  train loss 1.000  val loss 1.500  val accuracy 0.100  T s",
        "epoch 3/3  train loss 2.000  val loss 2.500  val accuracy 0.200  T s",
    ]


def test_epoch_lines_loss_logged_at_epoch_end_is_that_of_the_epoch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fit(tmp_path, [EpochLines()], epochs=2, module=_LogsLossAtEpochEnd())
    assert [line.split("  ")[:3] for line in _lines(caplog)] == [
        ["epoch 1/2", "train loss 0.250", "val loss 0.500"],
        ["epoch 2/2", "train loss 1.250", "val loss 1.500"],
    ]


def test_epoch_lines_without_validation_leaves_it_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fit(tmp_path, [EpochLines()], epochs=1, validate=False)
    (line,) = _lines(caplog)
    assert re.fullmatch(r"epoch 1/1  train loss 0\.000  \d+\.\d s", line)


def test_epoch_lines_validation_every_second_epoch_shows_no_old_values(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fit(tmp_path, [EpochLines()], epochs=4, validate_every=2)
    assert ["val loss" in line for line in _lines(caplog)] == [False, True, False, True]


def test_epoch_lines_many_epochs_logs_about_max_lines_with_first_and_last(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fit(tmp_path, [EpochLines(max_lines=4)], epochs=11)
    epochs = [line.split("/")[0] for line in _lines(caplog)]
    assert epochs == ["epoch 1", "epoch 3", "epoch 6", "epoch 9", "epoch 11"]


def test_epoch_lines_stopped_early_logs_the_last_epoch_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fit(tmp_path, [EpochLines(max_lines=4), _StopAfter(5)], epochs=12)
    epochs = [line.split("  ")[0] for line in _lines(caplog)]
    assert epochs == ["epoch 1/12", "epoch 3/12", "epoch 5/12"]


def test_epoch_lines_stopped_on_a_logged_epoch_logs_it_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fit(tmp_path, [EpochLines(max_lines=4), _StopAfter(3)], epochs=12)
    assert [line.split("/")[0] for line in _lines(caplog)] == ["epoch 1", "epoch 3"]


def test_progress_callbacks_terminal_is_a_rich_bar_that_fits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    callbacks = progress_callbacks(is_terminal=True)
    (bar,) = callbacks
    assert isinstance(bar, RichProgressBar)
    assert bar.refresh_rate <= 10
    _fit(tmp_path, callbacks, epochs=2, is_terminal=True)
    assert _lines(caplog) == []
    assert "Epoch 1/1" in capsys.readouterr().out
