from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.head_banks.prefix import Cut, after_prefix, fresh_heads, head_of
from tlx.plan.plan import Plan
from tlx.training.device import choose_compute
from tlx.training.run import build_model_a

WORDS = (
    "data.train_per_class=2", "data.val_per_class=1", "data.test_fraction=0.06",
    "trainer.threads=1", "trainer.device=cpu",
)  # fmt: skip


def plan_of(*words: str) -> Plan:
    return checked_plan(compose_config([*WORDS, *words]))


def cut_of(plan: Plan) -> Cut:
    task = plan.data.load()
    module = plan.strategy.apply(build_model_a(plan, task), plan.training)
    return after_prefix(plan, task, module, choose_compute(plan.trainer))


@pytest.mark.parametrize("backbone", [(), ("backbone.weights=null", "backbone.image_size=32")])
def test_fresh_heads_are_those_of_each_job_s_own_model_a(backbone: tuple[str, ...]) -> None:
    plans = [plan_of(f"seed={seed}", *backbone) for seed in (3, 4, 3)]
    task: Any = plans[0].data.load()
    shared = build_model_a(plans[0], task)
    first = head_of(shared)
    heads = fresh_heads(plans, shared, 10)
    for plan, head in zip(plans, heads, strict=True):
        expected = head_of(build_model_a(plan, task))
        assert head.keys() == expected.keys() == {"fc.weight", "fc.bias"}
        assert all(value.equal(expected[name]) for name, value in head.items())
    assert all(value.equal(first[name]) for name, value in head_of(shared).items())


def test_behind_prefix_without_the_store_computes_what_the_store_gives(tmp_path: Path) -> None:
    stored = cut_of(plan_of("activations=auto", f"activations.folder={tmp_path}"))
    computed = cut_of(plan_of("activations=off"))
    assert (stored.served.record["used"], computed.served.record["used"]) == (True, False)
    for one, other in ((stored.train, computed.train), (stored.val, computed.val)):
        assert one.features.equal(other.features)
        assert one.labels.equal(other.labels)
    for name in ("val", "test"):
        assert torch.as_tensor(stored.cached.scored[name]).equal(computed.cached.scored[name])
