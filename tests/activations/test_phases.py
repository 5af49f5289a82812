from __future__ import annotations

from dataclasses import replace

import pytest

from tests.strategies.fits import small_backbone, training
from tlx.activations.phases import Phase, cuts_of, phases_of
from tlx.regularization.l2_sp import L2Sp
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.feature_extraction import FeatureExtraction
from tlx.strategies.fine_tuning.gradual import Gradual
from tlx.strategies.fine_tuning.lp_ft import LpFt
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse


def test_phases_of_one_frozen_set_are_one() -> None:
    backbone = small_backbone("resnet18")
    assert phases_of(TransferModule(FeatureExtraction(backbone), training()), 5) == [
        Phase(0, 5, "layer4")
    ]
    assert phases_of(TransferModule(StructureReuse(backbone), training()), 5) == [Phase(0, 5, None)]


def test_phases_of_gradual_end_where_a_stage_wakes() -> None:
    module = TransferModule(
        Gradual(small_backbone("resnet18"), every_epochs=2, stages=2), training()
    )
    assert phases_of(module, 8) == [
        Phase(0, 2, "layer4"),
        Phase(2, 4, "layer3"),
        Phase(4, 8, "layer2"),
    ]
    assert phases_of(module, 3) == [Phase(0, 2, "layer4"), Phase(2, 3, "layer3")]


def test_phases_of_one_epoch_take_the_cut_of_the_next() -> None:
    module = TransferModule(
        Gradual(small_backbone("resnet18"), every_epochs=1, stages=2), training()
    )
    assert phases_of(module, 8) == [Phase(0, 8, "layer2")]
    whole = TransferModule(Gradual(small_backbone("resnet18"), every_epochs=1), training())
    assert phases_of(whole, 8) == [Phase(0, 8, None)]


def test_phases_of_a_stage_that_has_trained_before_are_behind_it_no_more() -> None:
    class Back(FeatureExtraction):
        def trained_stages(self, epoch: int) -> frozenset[str]:
            return frozenset({"layer4"} if epoch < 2 else ())

        def ever_trained_stages(self) -> frozenset[str]:
            return frozenset({"layer4"})

    assert phases_of(TransferModule(Back(small_backbone("resnet18")), training()), 4) == [
        Phase(0, 4, "layer3")
    ]


def test_phases_of_a_regularised_fit_are_one() -> None:
    recipe = replace(training(), terms={"penalty": L2Sp()})
    module = TransferModule(Gradual(small_backbone("resnet18"), every_epochs=2, stages=2), recipe)
    assert phases_of(module, 8) == [Phase(0, 8, "layer2")]


@pytest.mark.parametrize(
    ("probe", "names", "last"),
    [("logistic", ["layer4"], None), ("ridge", ["layer4"], None), ("trained", ["layer4"], None)],
)
def test_cuts_of_lp_ft_hold_for_its_probe_alone(probe: str, names: list[str], last: None) -> None:
    module = TransferModule(
        LpFt(small_backbone("resnet18"), probe=probe, probe_epochs=3), training()
    )  # type: ignore[arg-type]
    cuts = cuts_of(module, 9)
    assert cuts.names == names
    assert cuts.last is last
    assert (cuts.solving is None) == (probe == "trained")
    assert [p.cut for p in cuts.phases] == (["layer4", None] if probe == "trained" else [None])


def test_cuts_of_no_known_length_is_what_holds_in_all_epochs() -> None:
    module = TransferModule(
        Gradual(small_backbone("resnet18"), every_epochs=2, stages=2), training()
    )
    assert cuts_of(module).names == ["layer2"]
