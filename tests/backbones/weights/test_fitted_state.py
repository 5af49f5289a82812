"""What a network takes of a state dict, and what is said of the rest."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from tlx.backbones import WeightsError, build_backbone
from tlx.backbones.source_heads import why_no_source_head
from tlx.backbones.weights.expected import expected_tensors
from tlx.backbones.weights.fitted_state import fitted_state
from tlx.backbones.weights.nearest_builder import nearest_builder
from tlx.backbones.weights.state_files import StateDict
from tlx.errors import ConfigError

NAME = "shufflenet_v2_x0_5"


def _state(name: str = NAME, num_classes: int = 4) -> StateDict:
    return OrderedDict(expected_tensors(name, num_classes))


def _meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def _refusal(name: str, state: StateDict) -> str:
    with pytest.raises(WeightsError) as caught:
        fitted_state(name, state, "given.pth")
    return str(caught.value)


def test_fitted_state_of_a_whole_state_is_all_of_it() -> None:
    fitted = fitted_state(NAME, _state(), "test")
    assert fitted.state.keys() == _state().keys()
    assert (fitted.has_head, fitted.notes) == (True, ())


def test_fitted_state_without_a_head_says_so() -> None:
    state = OrderedDict((k, v) for k, v in _state().items() if not k.startswith("fc."))
    fitted = fitted_state(NAME, state, "test")
    assert not fitted.has_head
    assert fitted.notes == (f"without an output layer of {NAME}'s kind (fc)",)


@pytest.mark.parametrize(
    "head",
    [
        {"fc.0.weight": _meta(9, 1024), "fc.2.weight": _meta(3, 9)},
        {"fc.weight": _meta(3, 77), "fc.bias": _meta(3)},
        {"fc.weight": _meta(3, 1024)},
        {"fc.weight": _meta(3, 1024), "fc.bias": _meta(4)},
        {"fc.weight": _meta(3, 1024, dtype=torch.complex64), "fc.bias": _meta(3)},
    ],
)
def test_fitted_state_with_another_head_leaves_it_out(head: dict[str, torch.Tensor]) -> None:
    body = {key: value for key, value in _state().items() if not key.startswith("fc.")}
    fitted = fitted_state(NAME, OrderedDict(body | head), "test")
    assert fitted.state.keys() == body.keys()
    assert not fitted.has_head
    names = ", ".join(head)
    count = "1 tensor" if len(head) == 1 else f"{len(head)} tensors"
    assert fitted.notes[1] == f"{count} of their own head left out ({names})"


def test_fitted_state_with_parts_beside_the_network_counts_them() -> None:
    extra = {f"projector.{number}.weight": _meta(2) for number in range(5)}
    fitted = fitted_state(NAME, OrderedDict(_state() | extra), "test")
    assert fitted.state.keys() == _state().keys()
    assert fitted.notes == (
        f"5 tensors with no place in {NAME} left out (projector.0.weight, projector.1.weight, "
        "projector.2.weight, and 2 more)",
    )


def test_fitted_state_without_counters_is_whole() -> None:
    state = OrderedDict((k, v) for k, v in _state().items() if "num_batches" not in k)
    assert fitted_state(NAME, state, "test").notes == ()


def test_fitted_state_of_many_missing_keys_shows_a_few_and_counts_the_rest() -> None:
    state = _state()
    for key in list(state)[:4]:
        del state[key]
    assert _refusal(NAME, state) == (
        "backbone.weights=given.pth: they do not fit shufflenet_v2_x0_5: 4 missing keys "
        "(conv1.0.weight, conv1.1.weight, conv1.1.bias, and 1 more). Give the state dict of "
        "torchvision's shufflenet_v2_x0_5, or the builder these weights belong to."
    )


def test_fitted_state_of_complex_numbers_is_refused() -> None:
    state = _state()
    state["conv1.0.weight"] = state["conv1.0.weight"].to(torch.complex64)
    state["conv1.1.weight"] = state["conv1.1.weight"].to(torch.uint8)
    assert (
        "2 of another type of numbers (conv1.0.weight holds complex64, conv1.1.weight holds uint8)"
    ) in _refusal(NAME, state)


def test_fitted_state_of_a_deeper_network_with_the_same_beginning_is_refused() -> None:
    refusal = _refusal("resnet18", _state("resnet34"))
    assert "do not fit resnet18: 96 unexpected keys (layer1.2.conv1.weight, " in refusal
    assert refusal.endswith("They fit resnet34: use backbone=resnet34, or weights of resnet18.")


@pytest.mark.parametrize(
    ("asked", "given"), [("resnet50", "wide_resnet50_2"), (NAME, "shufflenet_v2_x1_0")]
)
def test_nearest_builder_is_the_one_whose_stages_fit(asked: str, given: str) -> None:
    headless = {k: v for k, v in _state(given).items() if not k.startswith("fc.")}
    assert nearest_builder(asked, headless) == given
    assert nearest_builder(asked, {"a": _meta(3)}) is None


def test_build_backbone_of_headless_weights_has_a_new_head_and_none_to_keep(
    tmp_path: Path,
) -> None:
    network = build_backbone(NAME, num_classes=4, image_size=32).network
    state = {f"module.{k}": v for k, v in network.state_dict().items() if not k.startswith("fc")}
    path = str(tmp_path / "w.pth.tar")
    torch.save({"model": state}, path)
    backbone = build_backbone(NAME, num_classes=3, weights=path)
    assert torch.equal(backbone.network.conv1[0].weight, network.conv1[0].weight)
    assert backbone.head.weight.shape == (3, 1024)
    assert backbone.head.weight.any()
    assert backbone.source_head is None
    assert backbone.weights_notes == (
        "taken from 'model'",
        "'module.' stripped from their names",
        f"without an output layer of {NAME}'s kind (fc)",
    )
    with pytest.raises(ConfigError, match=r"w.pth.tar has no head to keep. Leave it out."):
        build_backbone(NAME, num_classes=None, weights=path, keep_head=True)
    assert why_no_source_head(NAME, path) == f"{path} has no output layer that fits {NAME}"
