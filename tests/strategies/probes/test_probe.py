from __future__ import annotations

from pathlib import Path

import pytest

from tests.strategies.fits import changed, small_backbone, state_of
from tests.strategies.probe_runs import run_probe
from tlx.errors import ConfigError
from tlx.strategies.probes.probe import Probe
from tlx.strategies.probes.probe_knn import ProbeKnn
from tlx.strategies.probes.probe_logistic import ProbeLogistic
from tlx.strategies.probes.probe_ridge import ProbeRidge

SQUEEZENET = (
    "strategy={}: the last features of squeezenet1_1 go through a Conv2d and more, not one "
    "linear map. Use strategy=feature_extraction, or another backbone."
)


def test_probe_of_squeezenet_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        run_probe(tmp_path / "run", "probe_ridge", "backbone=squeezenet1_1")
    assert str(refused.value) == SQUEEZENET.format("probe_ridge")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("probe", [ProbeLogistic, ProbeKnn])
def test_probe_of_squeezenet_is_a_fault_of_each_probe(probe: type[Probe]) -> None:
    (fault,) = probe.faults((), backbone_name="squeezenet1_1")
    assert str(fault) == SQUEEZENET.format(probe.name)


def test_probe_of_maxvit_is_refused_only_where_an_intercept_is_needed() -> None:
    (fault,) = ProbeRidge.faults((), backbone_name="maxvit_t")
    assert fault.reason == "the last layer of maxvit_t has no intercept, which the solution needs"
    assert ProbeKnn.faults((), backbone_name="maxvit_t") == []


def test_probe_moves_nothing_but_the_head() -> None:
    backbone = small_backbone("mobilenet_v2")
    before = state_of(backbone)
    probe = ProbeRidge(backbone, lowest_exponent=0, highest_exponent=0)
    features = before["classifier.1.weight"].repeat(2, 1)[:5]
    (candidate,) = probe.candidates(features, (features[:, 0] > 0).long())
    probe.install(candidate.head)
    assert changed(before, backbone) == {"classifier.1.weight", "classifier.1.bias"}
    assert probe.describe() == (
        f"solves for the head, penalties 2^0 to 2^0; {len(backbone.stages)} stages frozen"
    )
