from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tlx.head_banks.member import EpochRow, MemberHistory
from tlx.head_banks.results import load_head, share_weights, write_best_weights, write_history


def test_write_history_gives_a_row_per_epoch(tmp_path: Path) -> None:
    rows = [EpochRow(n, 3 * n, 1 / n, 2 / n, 0.5, 1e-3, 0.123456) for n in (1, 2)]
    write_history(tmp_path, MemberHistory(rows))
    expected = "epoch,step,train_loss,val_loss,val_accuracy,learning_rate,seconds"
    assert (tmp_path / "metrics.csv").read_text().splitlines()[0] == expected
    table = pd.read_csv(tmp_path / "metrics.csv")
    assert table["step"].tolist() == [3, 6]
    assert table["seconds"].tolist() == [0.1235, 0.1235]


def test_write_history_without_an_epoch_writes_nothing(tmp_path: Path) -> None:
    write_history(tmp_path, MemberHistory())
    assert list(tmp_path.iterdir()) == []


def test_load_head_changes_the_head_in_place_and_nothing_else(tmp_path: Path) -> None:
    first, last = nn.Linear(2, 3), nn.Linear(3, 4)
    network = nn.Sequential(first, last)
    body, weight = first.weight.clone(), last.weight
    load_head(network, {"1.weight": torch.ones(4, 3), "1.bias": torch.zeros(4)})
    assert weight.equal(torch.ones(4, 3))
    assert first.weight.equal(body)
    write_best_weights(tmp_path, network)
    found = load_file(tmp_path / "checkpoints/best.safetensors")
    assert found.keys() == network.state_dict().keys()
    assert found["1.weight"].equal(torch.ones(4, 3))


def test_load_head_of_another_network_is_refused() -> None:
    with pytest.raises(KeyError, match=r"the network has no parameter fc\.bias, fc\.weight"):
        load_head(nn.Linear(2, 2), {"fc.weight": torch.ones(2, 2), "fc.bias": torch.ones(2)})


def test_share_weights_of_a_finished_run_is_the_file_of_its_model(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"the weights")
    share_weights(tmp_path)
    best = tmp_path / "checkpoints/best.safetensors"
    assert best.read_bytes() == b"the weights"
    assert best.stat().st_ino == (tmp_path / "model.safetensors").stat().st_ino
    assert sorted(path.name for path in best.parent.iterdir()) == ["best.safetensors"]
