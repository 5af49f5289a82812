from __future__ import annotations

from pathlib import Path

import pytest

from tlx.config.choices.registration import register
from tlx.config.typed.folds import sweep_over_folds


def test_folds_without_a_fold_become_a_sweep_over_all_of_them() -> None:
    register()
    asked = sweep_over_folds(["strategy=partial", "data.folds=5", "hydra.sweep.dir=here"])
    assert asked is not None
    assert (asked.folds, asked.folder) == (5, Path("here"))
    assert asked.arguments == [
        "data.fold=range(5)", "hydra.sweep.dir='here'", "strategy=partial", "data.folds=5",
        "--multirun",
    ]  # fmt: skip


def test_folds_in_a_sweep_are_swept_beside_the_rest() -> None:
    register()
    asked = sweep_over_folds(["strategy=partial,probe_ridge", "data.folds=3", "-m"])
    assert asked is not None
    assert asked.folder.name.endswith("-sweep")
    assert asked.arguments == [
        "data.fold=range(3)", f"hydra.sweep.dir='{asked.folder}'", "strategy=partial,probe_ridge",
        "data.folds=3", "-m",
    ]  # fmt: skip


def test_folds_into_a_folder_of_an_odd_name_are_told_of_there() -> None:
    register()
    asked = sweep_over_folds(["data.folds=2", "hydra.sweep.dir='a, b=c'"])
    assert asked is not None
    assert asked.folder == Path("a, b=c")
    assert asked.arguments[1] == "hydra.sweep.dir='a, b=c'"


@pytest.mark.parametrize(
    "words",
    [
        ["strategy=partial"],
        ["data.folds=5", "data.fold=0"],
        ["data.folds=5", "data.fold=0,1", "-m"],
        ["data.folds=null"],
        ["data.folds=1"],
        ["data.folds=3,5", "-m"],
        ["data.folds=5", "--cfg", "job"],
        ["data.folds=5", "resume=outputs/run"],
    ],
)
def test_folds_that_are_no_question_for_a_sweep_are_left_alone(words: list[str]) -> None:
    assert sweep_over_folds(words) is None
