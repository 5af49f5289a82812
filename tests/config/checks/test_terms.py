"""What a regulariser cannot be combined with, said before any work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from omegaconf import OmegaConf, open_dict

from tests.regularization.runs import CHOICES
from tlx.backbones import build_backbone
from tlx.backbones.weights.card import NEAREST_HEAD, Card, save_model
from tlx.config.builders import checked_plan, plain
from tlx.config.checks.plan import plan_faults
from tlx.config.composition import compose_config
from tlx.errors import ConfigError
from tlx.head_banks.membership import alone_because, plan_banks
from tlx.objectives.terms import Situation
from tlx.regularization.co_tuning import CoTuning
from tlx.regularization.feature_distillation import FeatureDistillation
from tlx.regularization.fisher_l2_sp import FisherL2Sp
from tlx.regularization.l2_sp import L2Sp
from tlx.regularization.none import NoRegularizer
from tlx.regularization.relation_distillation import RelationDistillation

WHOLE = "strategy=structure_reuse"


def faults(*words: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        checked_plan(compose_config(list(words)))
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", NoRegularizer()),
        ("l2_sp", L2Sp(alpha=0.01)),
        ("fisher_l2_sp", FisherL2Sp(alpha=0.01, samples=256, labels="sampled", normalise=True)),
        (
            "feature_distillation",
            FeatureDistillation(target="logits", weight=1.0, temperature=2.0, distance="mse"),
        ),
        ("relation_distillation", RelationDistillation(distance_weight=25.0, angle_weight=50.0)),
        ("co_tuning", CoTuning(weight=2.3, temperature=1.0)),
    ],
)
def test_each_choice_composes_to_its_options(choice: str, expected: object) -> None:
    plan = checked_plan(compose_config([WHOLE, f"regularizer={choice}"]))
    assert plan.training.terms == ({} if expected.name == "none" else {"penalty": expected})
    name = plan.recipe["regularizer"]["name"]
    assert name == ("no_regularizer" if choice == "none" else choice)


def test_configuration_of_an_earlier_run_has_no_regularizer() -> None:
    cfg = compose_config([WHOLE])
    with open_dict(cfg):
        del cfg["regularizer"]
    assert "regularizer" not in OmegaConf.to_container(cfg)
    assert checked_plan(cfg).training.terms == {}


@pytest.mark.parametrize("choice", CHOICES)
def test_head_alone_has_nothing_to_hold(choice: str) -> None:
    assert faults(f"regularizer={choice}") == [
        f"regularizer={choice}: strategy=feature_extraction trains nothing but the head, which "
        "has no model A. Use regularizer=none, or a strategy that trains more."
    ]


@pytest.mark.parametrize("choice", ["l2_sp", "co_tuning"])
def test_scratch_has_no_model_a_to_stay_near(choice: str) -> None:
    assert faults(f"regularizer={choice}", WHOLE, "strategy.init=scratch") == [
        f"regularizer={choice}: model B starts from scratch, there is no model A to stay near. "
        "Use regularizer=none, or start from weights (backbone.weights, strategy.init=pretrained)."
    ]


@pytest.mark.parametrize("strategy", ["probe_ridge", "probe_logistic", "probe_knn"])
def test_probe_has_no_training_to_hold(strategy: str) -> None:
    assert faults("regularizer=l2_sp", f"strategy={strategy}") == [
        f"regularizer=l2_sp: strategy={strategy} solves for its head, there is no training to "
        "hold. Use regularizer=none, or a strategy that trains."
    ]


def test_strategy_whose_new_parts_train_alone_leaves_no_weight_to_hold() -> None:
    assert faults("regularizer=l2_sp", "strategy=ssf") == [
        "regularizer=l2_sp: strategy=ssf leaves every weight of model A where it is. "
        "Use regularizer=none, or feature_distillation, which holds features."
    ]
    checked_plan(compose_config(["regularizer=feature_distillation", "strategy=ssf"]))


@pytest.mark.parametrize(
    "strategy", ["structure_reuse", "partial", "norm_only", "bias_only", "lp_ft"]
)
def test_every_strategy_that_trains_weights_of_model_a_can_hold_them(strategy: str) -> None:
    plan = checked_plan(compose_config(["regularizer=l2_sp", f"strategy={strategy}"]))
    assert plan.module_without_weights().trained_source_weights()


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved("squeezenet1_1", tmp_path_factory.mktemp("models") / "a.safetensors")


def saved(name: str, path: Path, **card: object) -> Path:
    backbone = build_backbone(name, num_classes=4, weights=None, image_size=32)
    values = {"num_classes": 4, "class_names": tuple("abcd")} | card
    about = Card(name="a", backbone=name, preprocess=backbone.preprocess.to_dict(), **values)
    save_model(path, backbone.network, about)
    return path


@pytest.mark.parametrize("words", [["regularizer=co_tuning"], ["regularizer=fisher_l2_sp"],
                                   ["regularizer=feature_distillation"]])  # fmt: skip
def test_predictions_of_a_head_that_is_no_linear_map_are_refused(words, squeezenet: Path) -> None:
    model = ["backbone=squeezenet1_1", f"backbone.weights={squeezenet}"]
    name = words[0].partition("=")[2]
    assert faults(*words, WHOLE, *model) == [
        f"regularizer={name}: the last features of squeezenet1_1 go through a Conv2d and more, "
        "not one linear map. Use regularizer=l2_sp, or relation_distillation."
    ]
    features = ["regularizer=feature_distillation", "regularizer.target=features"]
    checked_plan(compose_config([*features, WHOLE, *model]))


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ({"head": NEAREST_HEAD}, "asks its nearest neighbours and has no output layer"),
        ({"num_classes": 1}, "has a single output, which tells no classes apart"),
    ],
)
def test_model_a_without_predictions_of_its_own_is_known_by_its_card(
    card, reason, tmp_path
) -> None:
    from tlx.backbones.source_heads import why_no_source_head

    path = saved("shufflenet_v2_x0_5", tmp_path / "a.safetensors", **card)
    assert why_no_source_head("shufflenet_v2_x0_5", str(path)) == f"{path} {reason}"
    assert why_no_source_head("shufflenet_v2_x0_5", None) == (
        "shufflenet_v2_x0_5 without weights has no predictions of its own"
    )


def test_co_tuning_of_a_number_is_refused() -> None:
    situation = Situation("structure_reuse", trained_weights=frozenset({"w"}), predicts_number=True)
    (fault,) = CoTuning().faults(situation)
    assert fault.reason == "it relates classes of both tasks, and the data asks for a number"
    assert FeatureDistillation().faults(situation) == []


def test_banks_leave_regularised_jobs_alone() -> None:
    held = plain(compose_config(["regularizer=co_tuning"]))
    free = plain(compose_config([]))
    assert alone_because(held) == "its loss has a regulariser's term"
    assert alone_because(free) is None
    banks = plan_banks([held, free, held, free])
    assert [bank.indices for bank in banks] == [(0,), (1, 3), (2,)]
    assert alone_because({k: v for k, v in free.items() if k != "regularizer"}) is None


@dataclass(frozen=True)
class FromSource(L2Sp):
    """A term that needs a split which no shipped source gives."""

    streams: ClassVar[frozenset[str]] = frozenset({"source"})


def test_term_that_needs_a_split_the_data_lack_is_refused_before_any_work() -> None:
    plan = checked_plan(compose_config([WHOLE]))
    lacking = replace(plan, training=replace(plan.training, terms={"penalty": FromSource()}))
    expected = (
        "data=digits: a term of the loss needs batches of source, and it gives train, val, test. "
        "Use data that gives it, or leave the term out."
    )
    assert expected in [str(fault) for fault in plan_faults(lacking)]


def test_activations_that_must_be_kept_refuse_a_term_with_a_stream() -> None:
    plan = checked_plan(compose_config(["strategy=partial", "activations=on"]))
    wide = replace(plan, training=replace(plan.training, terms={"penalty": FromSource()}))
    expected = (
        "activations.mode=on: a step takes batches of source as well, which are not kept. "
        "Use activations=auto, or off."
    )
    assert expected in [str(fault) for fault in plan_faults(wide)]
