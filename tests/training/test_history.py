from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.training.scripted import STEPS_PER_EPOCH, Scripted, fit_scripted
from tlx.training.history import EpochHistory

COLUMNS = ["epoch", "step", "train_loss", "val_loss", "val_accuracy", "learning_rate", "seconds"]


def history_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "metrics.csv")


def test_epoch_history_has_a_row_per_epoch_with_the_logged_values(tmp_path: Path) -> None:
    fit_scripted(tmp_path, Scripted([0.5, 0.75, 0.625]), [EpochHistory(tmp_path)])
    history = history_of(tmp_path)
    assert list(history.columns) == COLUMNS
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["step"].tolist() == [STEPS_PER_EPOCH * n for n in (1, 2, 3)]
    assert history["train_loss"].tolist() == [0.0, 1.0, 2.0]
    assert history["val_loss"].tolist() == [1.0, 1.0, 1.0]
    assert history["val_accuracy"].tolist() == [0.5, 0.75, 0.625]
    assert (history["seconds"] > 0).all()


def test_epoch_history_learning_rate_is_that_of_the_epoch_s_last_step(tmp_path: Path) -> None:
    fit_scripted(tmp_path, Scripted([0.5, 0.5]), [EpochHistory(tmp_path)])
    rates = history_of(tmp_path)["learning_rate"].tolist()
    assert rates == pytest.approx([1 / STEPS_PER_EPOCH, 1 / (2 * STEPS_PER_EPOCH)])


def test_epoch_history_of_a_resumed_fit_is_that_of_an_unbroken_one(tmp_path: Path) -> None:
    accuracies = [0.1, 0.2, 0.3, 0.4]
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    for folder in (unbroken, broken):
        folder.mkdir()
    fit_scripted(unbroken, Scripted(accuracies), [EpochHistory(unbroken)])
    with pytest.raises(RuntimeError, match="broken off"):
        fit_scripted(broken, Scripted(accuracies, fails_in=2), [EpochHistory(broken)])
    assert history_of(broken)["epoch"].tolist() == [1, 2]

    fit_scripted(broken, Scripted(accuracies), [EpochHistory(broken)], resume=True)

    ours, theirs = (history_of(f).drop(columns="seconds") for f in (broken, unbroken))
    pd.testing.assert_frame_equal(ours, theirs)


def test_epoch_history_state_makes_the_round_trip(tmp_path: Path) -> None:
    history = EpochHistory(tmp_path)
    history.rows = [{"epoch": 1.0, "val_accuracy": 0.5}]
    other = EpochHistory(tmp_path)
    other.load_state_dict(history.state_dict())
    assert other.rows == history.rows
    other.rows.append({"epoch": 2.0})
    assert len(history.rows) == 1
