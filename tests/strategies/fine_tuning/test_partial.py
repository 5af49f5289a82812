from __future__ import annotations

import pytest

from tests.strategies.fits import (
    SMALLEST_OF_FAMILY,
    changed,
    fit,
    small_backbone,
    state_of,
    training,
)
from tlx.errors import Fault
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.partial import Partial, chosen_stages

STAGES = ("conv1", "layer1", "layer2", "layer3", "layer4")


@pytest.mark.parametrize("name", SMALLEST_OF_FAMILY)
def test_partial_after_a_fit_leaves_the_frozen_part_bit_identical(name: str) -> None:
    backbone = small_backbone(name)
    before = state_of(backbone)
    fit(TransferModule(Partial(backbone, train_stages=1), training()), epochs=1, batch_size=8)
    last, frozen = backbone.stages[-1], backbone.stages[:-1]
    moved = changed(before, backbone)
    assert not moved & {n for stage in frozen for n in stage.parameter_names}
    assert not [n for s in frozen for m in s.module_names for n in moved if n.startswith(f"{m}.")]
    assert moved & set(last.parameter_names)
    assert {n for n in before if n.startswith(f"{backbone.head_path}.")} <= moved


def test_partial_training_the_first_stage_leaves_the_later_ones_frozen() -> None:
    backbone = small_backbone("resnet18")
    before = state_of(backbone)
    fit(TransferModule(Partial(backbone, train_stages="first:1"), training()))
    moved = {name.split(".")[0] for name in changed(before, backbone)}
    assert moved == {"conv1", "bn1", "fc"}


def test_partial_named_stages_train_and_no_other() -> None:
    backbone = small_backbone("resnet18")
    before = state_of(backbone)
    fit(TransferModule(Partial(backbone, train_stages=["layer2", "layer4"]), training()))
    moved = {name.split(".")[0] for name in changed(before, backbone)}
    assert moved == {"layer2", "layer4", "fc"}


@pytest.mark.parametrize(
    ("train_stages", "expected"),
    [
        (1, ("layer4",)),
        (3, ("layer2", "layer3", "layer4")),
        ("last:2", ("layer3", "layer4")),
        ("first:2", ("conv1", "layer1")),
        ("layer3", ("layer3",)),
        (["layer4", "conv1"], ("conv1", "layer4")),
        (5, STAGES),
    ],
)
def test_chosen_stages_stand_for_their_names(train_stages, expected) -> None:
    assert chosen_stages(STAGES, train_stages) == expected


@pytest.mark.parametrize("train_stages", [0, 6, "last:9", "first:0"])
def test_partial_faults_of_a_number_out_of_range_lists_the_stages(train_stages) -> None:
    assert Partial.faults(STAGES, train_stages=train_stages) == [
        Fault(
            "strategy.train_stages",
            train_stages,
            "the backbone has 5 stages",
            "Choose 1 to 5: conv1, layer1, layer2, layer3, layer4.",
        )
    ]


def test_partial_faults_of_an_unknown_stage_suggests_the_nearest() -> None:
    (fault,) = Partial.faults(STAGES, train_stages=["layer3", "layr4"])
    assert fault.reason == "no stage 'layr4'"
    assert fault.remedy.startswith("Did you mean 'layer4'")


def test_partial_faults_of_an_empty_list_points_to_feature_extraction() -> None:
    (fault,) = Partial.faults(STAGES, train_stages=[])
    assert fault.remedy == "Name one, or use strategy=feature_extraction to freeze them all."


def test_chosen_stages_of_an_unknown_stage_raises() -> None:
    with pytest.raises(ValueError, match="no stage 'head'"):
        chosen_stages(STAGES, "head")
