from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any, cast

import pytest
from omegaconf import OmegaConf

from tlx.config.builders import plain
from tlx.config.choices.groups import group_options
from tlx.config.composition import compose_config
from tlx.head_banks.membership import HeadBank, alone_because, describe, plan_banks
from tlx.head_banks.vectorised import OPTIONS

BASE = plain(compose_config([]))


def config(**changes: Any) -> dict[str, Any]:
    """The shipped configuration with some options changed, `data__seed=1` for `data.seed`."""
    changed = copy.deepcopy(BASE)
    for path, value in changes.items():
        *groups, name = path.split("__")
        node = changed
        for group in groups:
            node = node[group]
        node[name] = value
    return changed


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer__lr": 0.1},
        {"optimizer__weight_decay": 0.0},
        {"loss__label_smoothing": 0.0},
        {"scheduler__warmup_fraction": 0.5},
        {"seed": 1, "data__seed": 1},
        {"data__train_per_class": 5},
        {"trainer__early_stopping_patience": 3},
        {"trainer__gradient_clip_norm": None},
        {"debug": True},
    ],
)
def test_plan_banks_of_a_difference_that_stacks_gives_one_bank(change: dict[str, Any]) -> None:
    assert plan_banks([config(), config(**change)]) == [HeadBank((0, 1))]


@pytest.mark.parametrize(
    "change",
    [
        {"backbone__image_size": 32},
        {"data__val_per_class": 5},
        {"data__test_fraction": 0.25},
        {"optimizer__lr": 0.1, "optimizer___target_": "tlx.optimization.optimizers.sgd"},
        {"scheduler___target_": "tlx.optimization.schedules.constant"},
        {"trainer__batch_size": 64},
        {"trainer__epochs": 3},
        {"trainer__precision": "bf16-mixed"},
        {"trainer__device": "cpu"},
        {"activations__mode": "off"},
    ],
)
def test_plan_banks_of_a_difference_that_does_not_stack_gives_two(change: dict[str, Any]) -> None:
    assert plan_banks([config(), config(**change)]) == [HeadBank((0,)), HeadBank((1,))]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"strategy___target_": "tlx.strategies.fine_tuning.partial.Partial"},
            "its strategy is not feature_extraction",
        ),
        ({"loss___target_": "mine.Focal"}, "its loss is not cross_entropy"),
        ({"optimizer___target_": "mine.lion"}, "its optimizer is neither adamw nor sgd"),
        ({"resume": "outputs/x"}, "it goes on with an interrupted run"),
        (
            {"trainer__precision": "16-mixed"},
            "trainer.precision=16-mixed scales the loss of each job by itself",
        ),
        ({}, None),
    ],
)
def test_alone_because_names_what_keeps_a_job_out(
    change: dict[str, Any], reason: str | None
) -> None:
    job = config(**change)
    assert alone_because(job) == reason
    assert len(plan_banks([job, job])) == (1 if reason is None else 2)


@pytest.mark.parametrize("group", sorted(name for name in BASE if isinstance(BASE[name], dict)))
def test_alone_because_of_an_option_nobody_knows(group: str) -> None:
    job = config(**{f"{group}__made_up": 4})
    assert alone_because(job) == f"a head bank knows no option {group}.made_up"
    assert plan_banks([job, job]) == [HeadBank((0,)), HeadBank((1,))]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"trainer__accumulate_batches": 4},
            "a head bank knows no option trainer.accumulate_batches",
        ),
        ({"loss__focal_gamma": 2.0}, "a head bank knows no option loss.focal_gamma"),
        ({"scheduler___target_": "mine.steps"}, "a head bank knows no such scheduler"),
        ({"data___target_": "tlx.data.Stream"}, "a head bank knows no such data"),
        ({"semi": {"_target_": "mine.PseudoLabel"}}, "a head bank knows no setting semi"),
        ({"backbone": None}, "its backbone is not said"),
    ],
)
def test_alone_because_of_what_no_bank_knows(change: dict[str, Any], reason: str) -> None:
    job = config(**change)
    assert alone_because(job) == reason
    assert plan_banks([job, job]) == [HeadBank((0,)), HeadBank((1,))]


@pytest.mark.parametrize("group", sorted(OPTIONS))
def test_options_of_a_bank_are_options_of_shipped_configurations(group: str) -> None:
    shipped: dict[str, set[str]] = {}
    for option in group_options()[group]:
        node = OmegaConf.to_container(OmegaConf.load(option.path), resolve=False)
        assert isinstance(node, dict)
        if "_target_" in node:
            names = {str(name) for name in node} - {"_target_", "defaults", "name"}
            shipped.setdefault(node["_target_"], set()).update(names)
    for target, options in OPTIONS[group].items():
        assert set(options) <= shipped[target], target


def test_alone_because_of_a_new_option_only_where_it_is_not_at_its_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = "tlx.plan.trainer_settings.TrainerSettings"
    known = OPTIONS["trainer"][trainer]
    shorter = {trainer: tuple(name for name in known if name != "checkpoint_every_epochs")}
    monkeypatch.setitem(cast(dict[str, Any], OPTIONS), "trainer", shorter)
    assert alone_because(config()) is None
    reason = "a head bank knows no option trainer.checkpoint_every_epochs"
    assert alone_because(config(trainer__checkpoint_every_epochs=2)) == reason


def test_plan_banks_of_data_from_outside_asks_only_for_its_task() -> None:
    assert plan_banks([config(data___target_="mine.Images")] * 2) == [HeadBank((0, 1))]


def test_plan_banks_without_weights_keeps_seeds_apart() -> None:
    jobs = [config(backbone__weights=None, seed=seed) for seed in (0, 1, 0)]
    assert plan_banks(jobs) == [HeadBank((0, 2)), HeadBank((1,))]


def test_plan_banks_of_interleaved_prefixes_keeps_the_order_of_jobs() -> None:
    jobs = [config(backbone__image_size=32 * (1 + n % 2), seed=n) for n in range(5)]
    assert plan_banks(jobs) == [HeadBank((0, 2, 4)), HeadBank((1, 3))]


def test_plan_banks_beyond_the_memory_splits_evenly() -> None:
    jobs = [config(seed=seed) for seed in range(10)]
    per_job = 4 * 4096 * BASE["trainer"]["batch_size"]
    banks = plan_banks(jobs, max_bytes=4 * per_job)
    assert [len(bank) for bank in banks] == [3, 4, 3]
    assert [i for bank in banks for i in bank.indices] == list(range(10))


def test_plan_banks_of_no_jobs_is_empty() -> None:
    assert plan_banks([]) == []


def test_describe_tells_prefixes_banks_and_loners() -> None:
    jobs = [config(seed=seed) for seed in range(64)]
    assert describe(jobs, plan_banks(jobs)) == "64 jobs: 1 prefix, 1 head bank of 64"
    jobs += [config(backbone__image_size=32, seed=seed) for seed in range(2)]
    jobs += [config(trainer__epochs=1)]
    expected = "67 jobs: 2 prefixes, 1 head bank of 64, 1 head bank of 2, 1 alone"
    assert describe(jobs, plan_banks(jobs)) == expected
    assert describe(jobs[:1], plan_banks(jobs[:1])) == "1 job: 1 alone"


def test_membership_imports_without_torch() -> None:
    rooms = "tlx.head_banks.membership, tlx.head_banks.run"
    code = f"import sys, {rooms}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("slots", "sizes"), [(1, [40]), (2, [20, 20]), (16, [8] * 5)])
def test_plan_banks_large_bank_is_split_among_the_slots(slots: int, sizes: list[int]) -> None:
    configs = [config(seed=0, optimizer__lr=1e-4 * (i + 1)) for i in range(40)]
    banks = plan_banks(configs, slots=slots)
    assert [len(bank) for bank in banks] == sizes
    assert [index for bank in banks for index in bank.indices] == list(range(40))
