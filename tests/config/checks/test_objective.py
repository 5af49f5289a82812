from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.numbers import houses
from tests.data.wine_table import written
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.errors import ConfigError
from tlx.optimization.regression_losses import Huber, Mse


def words(folder: Path, data: str = "table_regression") -> list[str]:
    path = written(folder, houses())
    given = [f"data={data}", f"data.path={path}", "data.label_column=price", "backbone=mlp"]
    return [*given, "strategy=structure_reuse", "strategy.init=scratch"]


def fault(given: list[str]) -> str:
    with pytest.raises(ConfigError) as caught:
        checked_plan(compose_config(given))
    return str(caught.value)


def test_table_regression_chooses_its_loss_unless_the_user_does(tmp_path: Path) -> None:
    plan = checked_plan(compose_config(words(tmp_path)))
    assert isinstance(plan.training.loss, Mse)
    assert plan.recipe["data"]["task"] == "regression"
    plan = checked_plan(compose_config([*words(tmp_path), "loss=huber", "loss.delta=2"]))
    assert isinstance(plan.training.loss, Huber)
    assert plan.training.loss.delta == 2


def test_loss_of_classes_for_a_number_is_refused(tmp_path: Path) -> None:
    said = (
        "loss=cross_entropy: it tells classes apart, and the data asks for a number. "
        "Use loss=huber or loss=mae or loss=mse, or data=table_regression, which chooses mse."
    )
    assert fault([*words(tmp_path, "table_csv"), "data.task=regression"]) == said
    assert fault([*words(tmp_path), "loss=cross_entropy"]) == said


def test_loss_of_numbers_for_classes_is_refused() -> None:
    assert fault(["loss=mae"]) == (
        "loss=mae: it is for a number, and the data asks for a class. Use loss=cross_entropy."
    )


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        (
            ["strategy=probe_ridge"],
            "strategy=probe_ridge: it solves for a head that tells classes apart, and the data "
            "asks for a number. Use strategy=feature_extraction.",
        ),
        (
            ["strategy=lp_ft", "strategy.probe=ridge"],
            "strategy.probe=ridge: it solves for a head that tells classes apart, and the data "
            "asks for a number. Use strategy.probe=trained.",
        ),
    ],
)
def test_head_solved_for_classes_for_a_number_is_refused(
    strategy: list[str], said: str, tmp_path: Path
) -> None:
    found = fault([*words(tmp_path)[:-2], *strategy])
    assert said in found.splitlines()


def test_augmentation_of_numbers_is_refused(tmp_path: Path) -> None:
    given = [*words(tmp_path), "augmentation=light", "augmentation.mixup_alpha=0.2"]
    assert "augmentation=light: rows of features cannot be augmented" in fault(given)
