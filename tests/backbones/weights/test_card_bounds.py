from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from tlx.backbones import Card, Preprocess, weights_faults
from tlx.backbones.construct import construct
from tlx.backbones.mlp.network import FeatureInput
from tlx.backbones.weights.card_bounds import card_bounds_reason

PIPELINE = Preprocess(32, 32).to_dict()


def _reason(**values: Any) -> str | None:
    return card_bounds_reason(2, ("a", "b"), PIPELINE | values, number=False)


def test_card_bounds_of_what_tlx_writes_are_kept() -> None:
    assert _reason() is None
    assert card_bounds_reason(1, (), FeatureInput.of_width(7).to_dict(), number=True) is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"crop_size": 10**9}, "its crop_size is no size from 1 to 8192 pixels"),
        ({"resize_size": 0}, "its resize_size is no size from 1 to 8192 pixels"),
        ({"resize_size": True}, "its resize_size is no size from 1 to 8192 pixels"),
        ({"std": [0, 1, 1]}, "its std is not one finite number per channel"),
        ({"mean": [float("nan"), 1, 1]}, "its mean is not one finite number per channel"),
        ({"mean": [1] * 1000}, "its mean is not one finite number per channel"),
        ({"interpolation": {}}, "its interpolation is unknown"),
        ({"antialias": "yes"}, "its antialias is neither on nor off"),
        ({"_target_": "os.system"}, "its input pipeline lacks _target_, or has it and should not"),
    ],
)
def test_card_bounds_of_a_pipeline_that_cannot_be_meant_say_why(
    values: dict[str, Any], reason: str
) -> None:
    assert _reason(**values) == reason


def test_weights_faults_of_a_card_of_a_trillion_classes_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    card = Card("m", "squeezenet1_1", 10**12, ("a", "b"), PIPELINE)
    state = construct("squeezenet1_1", 2).state_dict()
    save_file(state, path, metadata={"tlx_card": card.to_json()})
    (fault,) = weights_faults("squeezenet1_1", str(path))
    assert str(fault) == (
        f"backbone.weights={path}: its card is damaged: it speaks of 1000000000000 classes and "
        "names 2. Export the model again, or save its tensors alone, without the card."
    )
