"""Where a network's tensors lie in files as people have them."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tlx.backbones.weights.sources import WeightsError
from tlx.backbones.weights.state_files import StateDict, read_state

NAME = "mlp_2_relu"
STATE = {
    "hidden1.weight": torch.arange(6.0).view(2, 3),
    "hidden1.bias": torch.ones(2),
    "head.weight": torch.zeros(4, 2),
    "head.bias": torch.zeros(4),
}


def _prefixed(prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}{key}": value for key, value in STATE.items()}


def _saved(content: Any, path: Path) -> Path:
    torch.save(content, path)
    return path


def _assert_same(state: StateDict) -> None:
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[key], STATE[key]) for key in STATE)


def _with_numbers_of_their_own(content: Any) -> Any:
    if isinstance(content, Tensor):
        return torch.randn(content.shape)
    return {key: _with_numbers_of_their_own(value) for key, value in content.items()}


def _refusal(path: Path, **options: Any) -> str:
    with pytest.raises(WeightsError) as caught:
        read_state(NAME, path, "w.pt", **options)
    return str(caught.value)


def test_read_state_of_safetensors_returns_its_tensors(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "w.safetensors")
    read = read_state(NAME, tmp_path / "w.safetensors", "w")
    _assert_same(read.state)
    assert read.notes == ()


@pytest.mark.parametrize(
    "wrapper",
    ["state_dict", "model_state_dict", "model", "model_ema", "state_dict_ema", "net", "weights"],
)
def test_read_state_of_wrapped_tensors_unwraps_and_says_so(wrapper: str, tmp_path: Path) -> None:
    path = _saved({wrapper: STATE, "epoch": 3, "name": "x"}, tmp_path / "w.pth.tar")
    read = read_state(NAME, path, "w")
    _assert_same(read.state)
    assert read.notes == (f"taken from '{wrapper}'",)


@pytest.mark.parametrize(
    "prefix",
    ["module.", "model.", "backbone.", "net.", "encoder.", "_orig_mod.", "module.model.", "a.b.c."],
)
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_read_state_of_prefixed_names_strips_and_says_so(
    suffix: str, prefix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"w.{suffix}"
    (torch.save if suffix == "pt" else save_file)(_prefixed(prefix), path)
    read = read_state(NAME, path, "w")
    _assert_same(read.state)
    assert read.notes == (f"'{prefix}' stripped from their names",)


def test_read_state_of_a_lightning_checkpoint_takes_the_network_alone(tmp_path: Path) -> None:
    network = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    content = {
        "state_dict": _prefixed("backbone.network.") | {"metric.total": torch.tensor(1)},
        "optimizer_states": [optimizer.state_dict()],
        "hyper_parameters": {"lr": 0.1},
        "callbacks": {"ModelCheckpoint{'monitor': 'x'}": {"best_model_score": torch.tensor(1.0)}},
        "epoch": 3,
    }
    read = read_state(NAME, _saved(content, tmp_path / "last.ckpt"), "w")
    _assert_same(read.state)
    assert read.notes == (
        "taken from 'state_dict'",
        "'backbone.network.' stripped from their names",
        "1 tensor that has another name left out",
    )


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        ({"model": STATE, "model_ema": _prefixed("module.")}, ("model", "model_ema.module")),
        ({"state_dict": STATE, "state_dict_ema": STATE}, ("state_dict", "state_dict_ema")),
        (
            _prefixed("module.encoder_q.") | _prefixed("module.encoder_k."),
            ("module.encoder_q", "module.encoder_k"),
        ),
        (
            {"state_dict": _prefixed("student.") | _prefixed("teacher.")},
            ("state_dict.student", "state_dict.teacher"),
        ),
        (STATE | {"ema": STATE}, (".", "ema")),
    ],
)
def test_read_state_of_several_networks_asks_which(
    content: dict[str, Any], labels: tuple[str, str], tmp_path: Path
) -> None:
    # Numbers of their own for each: what is saved twice under two names is one network.
    path = _saved(_with_numbers_of_their_own(content), tmp_path / "w")
    first, second = labels
    assert _refusal(path) == (
        f"backbone.weights=w.pt: it holds several networks that fit {NAME}: {first}, {second}. "
        f"Say which: backbone.weights_key={first} or backbone.weights_key={second}."
    )
    assert _refusal(path, shapes_only=True) == _refusal(path)
    asked = read_state(NAME, path, "w", weights_key=second)
    assert asked.state.keys() == STATE.keys()
    other = read_state(NAME, path, "w", weights_key=first)
    assert not torch.equal(asked.state["hidden1.bias"], other.state["hidden1.bias"])


def test_read_state_by_the_beginning_of_a_key_takes_what_is_within(tmp_path: Path) -> None:
    content = {"model": STATE, "model_ema": {f"module.{k}": v * 3 for k, v in STATE.items()}}
    path = _saved(content, tmp_path / "w.pt")
    read = read_state(NAME, path, "w", weights_key="model_ema")
    assert torch.equal(read.state["hidden1.weight"], STATE["hidden1.weight"] * 3)
    assert _refusal(path, weights_key="model_emma") == (
        "backbone.weights_key=model_emma: w.pt holds nothing of mlp_2_relu under this name. "
        "Did you mean 'model_ema.module' or 'model'?"
    )


def test_read_state_of_one_network_under_two_names_is_one(tmp_path: Path) -> None:
    content = _prefixed("model.") | _prefixed("criterion.model.")
    read = read_state(NAME, _saved(content, tmp_path / "w.pt"), "w")
    _assert_same(read.state)


def test_read_state_of_a_second_network_of_other_shapes_takes_the_one_that_fits(
    tmp_path: Path,
) -> None:
    other = {key: torch.zeros(7, *value.shape[1:]) for key, value in STATE.items()}
    path = _saved({"model": other, "model_ema": STATE}, tmp_path / "w.pt")
    _assert_same(read_state(NAME, path, "w").state)


def test_read_state_keeps_version_metadata_behind_a_prefix(tmp_path: Path) -> None:
    network = nn.Sequential(
        OrderedDict(module=nn.Sequential(OrderedDict(hidden1=nn.Linear(3, 2), n=nn.BatchNorm1d(2))))
    )
    path = _saved(network.state_dict(), tmp_path / "w.pt")
    state = read_state(NAME, path, "w").state
    assert state._metadata == {  # type: ignore[attr-defined]
        "": {"version": 1},
        "hidden1": {"version": 1},
        "n": {"version": 2},
    }


@pytest.mark.parametrize("old", [False, True])
def test_read_state_of_shapes_only_holds_no_memory(old: bool, tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "w.pth", _use_new_zipfile_serialization=not old)
    state = read_state(NAME, tmp_path / "w.pth", "w", shapes_only=True).state
    assert {key: value.shape for key, value in state.items()} == {
        key: value.shape for key, value in STATE.items()
    }
    assert {value.device.type for value in state.values()} == {"meta"}


class _Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


@pytest.mark.parametrize("shapes_only", [False, True])
def test_read_state_of_file_with_code_does_not_run_it(
    shapes_only: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = _saved(STATE | {"a": _Attack()}, tmp_path / "w.pt")
    refusal = _refusal(path, shapes_only=shapes_only)
    assert "Python objects besides tensors (posix.mkdir)" in refusal
    assert "Such a file could run code and is not loaded" in refusal
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "it holds a list, not a state dict"),
        (torch.ones(2), "it holds a tensor, not a state dict"),
        ({"a": 1.0}, "it holds no tensors, not a state dict"),
        (OrderedDict(), "it holds no tensors, not a state dict"),
        ({"a": torch.zeros(0, 10)}, "it holds no tensors, not a state dict"),
    ],
)
def test_read_state_of_other_content_says_what_it_is(
    content: object, words: str, tmp_path: Path
) -> None:
    assert words in _refusal(_saved(content, tmp_path / "w.pt"))


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_read_state_of_cut_off_file_raises_weights_error(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "w"
    (torch.save if suffix == "pt" else save_file)(STATE, path)
    path.write_bytes(path.read_bytes()[:-40])
    assert "it cannot be read" in _refusal(path)
