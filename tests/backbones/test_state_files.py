from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tlx.backbones.sources import Kind, Source, WeightsError
from tlx.backbones.state_files import read_state

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "n": torch.tensor(4)}


def _source(path: Path, kind: Kind) -> Source:
    return Source(kind, str(path), path=path)


def _assert_same(state: dict[str, Tensor]) -> None:
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[key], STATE[key]) for key in STATE)


def test_read_state_of_safetensors_returns_its_tensors(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "w.safetensors")
    _assert_same(read_state(_source(tmp_path / "w.safetensors", Kind.SAFETENSORS)))


@pytest.mark.parametrize("nested", [None, "state_dict", "model"])
def test_read_state_of_torch_file_returns_its_tensors(nested: str | None, tmp_path: Path) -> None:
    torch.save(STATE if nested is None else {nested: STATE, "epoch": 3}, tmp_path / "w.pth")
    _assert_same(read_state(_source(tmp_path / "w.pth", Kind.STATE_DICT)))


def test_read_state_of_checkpoint_takes_the_network_alone(tmp_path: Path) -> None:
    prefixed = {f"backbone.network.{key}": value for key, value in STATE.items()}
    content = {"state_dict": prefixed | {"metric.total": torch.tensor(1)}, "epoch": 3}
    torch.save(content, tmp_path / "last.ckpt")
    _assert_same(read_state(_source(tmp_path / "last.ckpt", Kind.CHECKPOINT)))


def test_read_state_of_torch_file_keeps_version_metadata(tmp_path: Path) -> None:
    torch.save(nn.BatchNorm1d(2).state_dict(), tmp_path / "w.pt")
    state = read_state(_source(tmp_path / "w.pt", Kind.STATE_DICT))
    assert state._metadata[""]["version"] == 2


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_read_state_of_shapes_only_holds_no_memory(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w.{suffix}"
    if suffix == "pt":
        torch.save(STATE, path)
    else:
        save_file(STATE, path)
    kind = Kind.STATE_DICT if suffix == "pt" else Kind.SAFETENSORS
    state = read_state(_source(path, kind), shapes_only=True)
    assert {key: value.shape for key, value in state.items()} == {
        "a.weight": torch.Size([2, 3]),
        "n": torch.Size([]),
    }
    assert {value.device.type for value in state.values()} == {"meta"}


def test_read_state_of_shapes_in_old_format_works_without_mapping(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save(STATE, path, _use_new_zipfile_serialization=False)
    state = read_state(_source(path, Kind.STATE_DICT), shapes_only=True)
    assert state["a.weight"].shape == (2, 3)


class _Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


@pytest.mark.parametrize("shapes_only", [False, True])
def test_read_state_of_file_with_code_does_not_run_it(
    shapes_only: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": _Attack()}, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="Such a file could run code and is not loaded"):
        read_state(_source(tmp_path / "w.pt", Kind.STATE_DICT), shapes_only=shapes_only)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "it holds a list, not a state dict"),
        ({"a": 1.0}, r"it holds entries that are no tensors \(a\)"),
        (OrderedDict(), "it holds no tensors"),
    ],
)
def test_read_state_of_other_content_says_what_it_is(
    content: object, words: str, tmp_path: Path
) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match=words):
        read_state(_source(tmp_path / "w.pt", Kind.STATE_DICT))


@pytest.mark.parametrize("kind", [Kind.STATE_DICT, Kind.SAFETENSORS])
def test_read_state_of_cut_off_file_raises_weights_error(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "w"
    if kind is Kind.STATE_DICT:
        torch.save(STATE, path)
    else:
        save_file(STATE, path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(WeightsError, match="it cannot be read"):
        read_state(_source(path, kind))
