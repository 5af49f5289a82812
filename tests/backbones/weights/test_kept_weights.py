"""Weights that a process reads for its forks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import squeezenet1_1

from tlx.backbones.weights import kept_weights
from tlx.backbones.weights.read_weights import keep_weights, read_weights
from tlx.backbones.weights.sources import Source, resolve
from tlx.backbones.weights.state_files import StateDict


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    kept_weights._kept.clear()
    yield
    kept_weights._kept.clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    save_file(squeezenet1_1(num_classes=3).state_dict(), path)
    return path


def _read(source: Source) -> StateDict:
    return read_weights("squeezenet1_1", source).state


def _in_fork(act: Callable[[], bool]) -> bool:
    """Return whether a function returns true in a fork."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if act() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_kept_weights_in_a_fork_are_the_tensors_that_were_read(file: Path) -> None:
    keep_weights("squeezenet1_1", str(file))
    ((_, read),) = kept_weights._kept.values()
    state = read.state
    place = state["features.0.weight"].data_ptr()
    source = resolve("squeezenet1_1", str(file))
    assert _in_fork(lambda: _read(source)["features.0.weight"].data_ptr() == place)


def test_kept_weights_are_given_out_once(file: Path) -> None:
    keep_weights("squeezenet1_1", str(file))
    source = resolve("squeezenet1_1", str(file))

    def second_is_read_anew() -> bool:
        first, second = _read(source), _read(source)
        first["features.0.weight"].zero_()
        return bool(second["features.0.weight"].any())

    assert _in_fork(second_is_read_anew)


def test_kept_weights_in_the_process_itself_are_read_from_the_file(file: Path) -> None:
    keep_weights("squeezenet1_1", str(file))
    ((_, read),) = kept_weights._kept.values()
    state = read.state
    anew = _read(resolve("squeezenet1_1", str(file)))
    assert anew["features.0.weight"].data_ptr() != state["features.0.weight"].data_ptr()
    assert torch.equal(anew["features.0.weight"], state["features.0.weight"])


def test_kept_weights_of_a_changed_file_are_not_used(file: Path) -> None:
    keep_weights("squeezenet1_1", str(file))
    zeros = {k: torch.zeros_like(v) for k, v in squeezenet1_1(num_classes=3).state_dict().items()}
    save_file(zeros, file)
    source = resolve("squeezenet1_1", str(file))
    assert _in_fork(lambda: not _read(source)["features.0.weight"].any())


def test_kept_weights_from_scratch_keep_nothing() -> None:
    keep_weights("squeezenet1_1", None)
    assert not kept_weights._kept
