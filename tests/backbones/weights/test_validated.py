"""Weights are looked at once, unless their file changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import save_file
from torchvision.models import squeezenet1_1

from tlx.backbones.source_model import SourceModel
from tlx.backbones.weights import validated as known_sound


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    known_sound._sound.clear()
    yield
    known_sound._sound.clear()


def _model(folder: Path) -> SourceModel:
    path = folder / "a.safetensors"
    save_file(squeezenet1_1(num_classes=3).state_dict(), path)
    return SourceModel("squeezenet1_1", str(path), transforms="DEFAULT")


def test_known_sound_weights_are_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = _model(tmp_path)
    assert model.faults() == []
    monkeypatch.setattr(
        "tlx.backbones.weights.weights.weights_faults", lambda *_, **__: ["asked again"]
    )
    assert model.faults() == []
    assert model.faults(from_weights=False) == ["asked again"]


def test_known_sound_file_that_changes_is_looked_at_again(tmp_path: Path) -> None:
    model = _model(tmp_path)
    assert model.faults() == []
    Path(str(model.weights)).write_bytes(b"no longer weights")
    (fault,) = model.faults()
    assert "its content is neither safetensors nor that of torch.save" in str(fault)


def test_known_sound_faults_are_told_every_time(tmp_path: Path) -> None:
    model = SourceModel("squeezenet1_1", str(tmp_path / "nowhere.safetensors"))
    assert [len(model.faults()) for _ in range(2)] == [1, 1]
