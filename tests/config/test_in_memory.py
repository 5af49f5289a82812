from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tlx.config.in_memory import plan_in_memory
from tlx.config.run import train_words
from tlx.data.in_memory.examples import Examples
from tlx.errors import ConfigError

SOLE_FAULT = (
    "data=in_memory: its examples are in the memory of a Python program (tlx.sklearn). No command "
    "has them: choose another data=."
)


def rows() -> Examples:
    values = np.arange(12.0).reshape(6, 2)
    return Examples(values, np.array([0, 1] * 3), ("a", "b"), ("x0", "x1"))


def test_in_memory_on_a_command_line_says_that_no_command_has_examples(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        train_words(["data=in_memory"], tmp_path / "run")
    assert str(caught.value) == SOLE_FAULT
    assert list(tmp_path.iterdir()) == []


def test_plan_in_memory_has_seed_words_and_examples() -> None:
    words = ["backbone=mlp", "strategy=structure_reuse", "strategy.init=scratch"]
    plan, cfg = plan_in_memory([*words, "data.val_fraction=0.3"], 7, rows())
    assert (plan.seed, cfg.seed, cfg.data.seed) == (7, 7, 7)
    assert plan.recipe["data"]["name"] == "in_memory"
    task = plan.data.load()
    assert {name: len(split) for name, split in task.splits.items()} == {"train": 4, "val": 2}
    again, _ = plan_in_memory([*words, "data.val_fraction=0.3"], 8, rows())
    assert again.seed == 8


def test_plan_in_memory_tells_every_fault_before_any_work() -> None:
    with pytest.raises(ConfigError) as caught:
        plan_in_memory(["backbone=mpl", "trainer.epoch=3"], 0, rows())
    assert [fault.key for fault in caught.value.faults] == ["backbone", "trainer.epoch"]


def test_plan_in_memory_of_rows_for_a_network_of_images_is_refused() -> None:
    words = ["backbone=resnet18", "backbone.weights=null"]
    with pytest.raises(ConfigError) as caught:
        plan_in_memory(words, 0, rows())
    assert str(caught.value) == (
        "backbone=resnet18: it takes images, and data=in_memory gives rows of features. Use "
        "backbone=mlp."
    )
