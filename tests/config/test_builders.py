from __future__ import annotations

from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from tests.tiny import TINY
from tlx.config.builders import checked_plan, plain
from tlx.config.composition import compose_config
from tlx.data.images.digits import Digits
from tlx.errors import ConfigError
from tlx.plan.trainer_settings import TrainerSettings
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse

SCRATCH = (
    "backbone=squeezenet1_1",
    "backbone.weights=null",
    "backbone.image_size=32",
    "strategy=structure_reuse",
    "strategy.init=scratch",
)


def test_checked_plan_holds_typed_objects() -> None:
    words = ["seed=3", "data.train_per_class=5", "data.val_per_class=3", "data.test_fraction=0.1"]
    words += ["trainer.epochs=2", "trainer.batch_size=16", "trainer.threads=1"]
    plan = checked_plan(compose_config([*SCRATCH, *words]))
    assert plan.data == Digits(train_per_class=5, val_per_class=3, test_fraction=0.1, seed=3)
    assert plan.trainer == TrainerSettings(epochs=2, batch_size=16, threads=1)
    assert plan.strategy.policy is StructureReuse
    assert plan.strategy.options == {"init": "scratch"}
    assert plan.strategy.starts_from_weights is False
    assert (plan.source_model.name, plan.source_model.image_size) == ("squeezenet1_1", 32)
    assert (plan.seed, plan.training.seed) == (3, 3)


def test_checked_plan_makes_optimizer_and_schedule_with_the_options_given() -> None:
    words = ["optimizer=sgd", "optimizer.lr=0.25", "scheduler=constant", "loss.label_smoothing=0.5"]
    training = checked_plan(compose_config([*TINY, *words])).training
    optimizer = training.optimizer(nn.Linear(2, 2).named_parameters())
    assert isinstance(optimizer, torch.optim.SGD)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
    assert training.schedule(optimizer, 10).get_last_lr() == [0.25, 0.25]
    assert getattr(training.loss, "label_smoothing") == 0.5  # noqa: B009


def test_checked_plan_recipe_is_plain_and_names_each_choice() -> None:
    recipe = checked_plan(compose_config(SCRATCH)).recipe
    assert recipe["strategy"] == {"name": "structure_reuse", "init": "scratch"}
    assert recipe["optimizer"]["name"] == "adamw"
    assert recipe["backbone"]["name"] == "squeezenet1_1"


def faults_of(cfg: Any) -> list[str]:
    with pytest.raises(ConfigError) as error:
        checked_plan(cfg)
    return [str(fault) for fault in error.value.faults]


def test_checked_plan_of_a_target_that_cannot_be_imported_is_a_fault() -> None:
    cfg = compose_config([*TINY, "loss._target_=tlx.nowhere.Loss"])
    assert faults_of(cfg) == [
        "loss._target_=tlx.nowhere.Loss: cannot import 'tlx.nowhere.Loss': "
        "No module named 'tlx.nowhere'. Give the dotted name of a class or function."
    ]


def test_checked_plan_of_a_node_without_target_is_a_fault() -> None:
    assert faults_of(compose_config([*TINY, "~loss._target_"])) == [
        "loss._target_=None: nothing says what to make of the options. "
        "Give the dotted name of a class or function."
    ]


def test_checked_plan_of_structure_reuse_without_weights_says_how_to_train_from_scratch() -> None:
    assert faults_of(compose_config([*TINY, "strategy.init=pretrained"])) == [
        "strategy.init=pretrained: backbone.weights=null leaves none to start from. "
        "Give backbone.weights, or say strategy.init=scratch."
    ]


@pytest.mark.parametrize("seed", [-1, 2**32, "x", 1.5, True])
def test_checked_plan_of_an_unusable_seed_is_a_fault(seed: object) -> None:
    cfg = OmegaConf.merge(compose_config(TINY), {"seed": seed, "data": {"seed": 0}})
    (fault,) = faults_of(cfg)
    assert fault.startswith(f"seed={seed}: ")
    assert fault.endswith("It takes a whole number at least 0 and at most 4294967295.")


def test_plain_fills_in_references_and_leaves_out_what_is_hydra_s() -> None:
    cfg = OmegaConf.create({"seed": 3, "data": {"seed": "${seed}"}, "hydra": {}, "experiment": 1})
    assert plain(cfg) == {"seed": 3, "data": {"seed": 3}}


def test_plain_of_a_reference_to_nothing_is_a_fault() -> None:
    with pytest.raises(ConfigError, match=r"data\.seed=\?: Interpolation key 'nowhere' not found"):
        plain(OmegaConf.create({"data": {"seed": "${nowhere}"}}))
