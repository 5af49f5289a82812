from __future__ import annotations

import pytest

from tests.strategies.fits import changed, fit, small_backbone, state_of, training
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.surgical import Surgical, shifted_stages

STAGES = ("conv1", "layer1", "layer2", "layer3", "layer4")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"shift": "input"}, {"conv1", "bn1"}),
        ({"shift": "feature"}, {"layer1", "layer2", "layer3"}),
        ({"shift": "output"}, {"layer4"}),
        ({"stages": ["layer1", "layer3"]}, {"layer1", "layer3"}),
    ],
)
def test_surgical_trains_the_chosen_stages_and_no_other(options, expected) -> None:
    backbone = small_backbone("resnet18")
    before = state_of(backbone)
    fit(TransferModule(Surgical(backbone, **options), training()), epochs=1, batch_size=8)
    assert {n.split(".")[0] for n in changed(before, backbone)} == {*expected, "fc"}


@pytest.mark.parametrize(
    ("count", "expected"), [(1, "a"), (2, "ab"), (3, "b"), (4, "bc"), (6, "cd"), (9, "def")]
)
def test_shifted_stages_of_the_features_are_the_middle_third(count: int, expected: str) -> None:
    assert "".join(shifted_stages("abcdefghi"[:count], "feature")) == expected


def test_surgical_faults_name_its_own_option() -> None:
    (fault,) = Surgical.faults(STAGES, stages=["layr4"])
    assert (fault.key, fault.reason) == ("strategy.stages", "no stage 'layr4'")
    assert fault.remedy.startswith("Did you mean 'layer4'")
    assert Surgical.faults(STAGES, shift="output") == []
