from __future__ import annotations

import statistics

import pytest

from tlx.search.seeds import (
    common_steps,
    job_of,
    means,
    seeds_of,
    spreads,
    typed_seed_faults,
)


def test_seeds_are_counted_from_0_or_those_of_a_list() -> None:
    assert seeds_of(3) == (0, 1, 2)
    assert seeds_of([0, 1, 7]) == (0, 1, 7)
    assert seeds_of(None) == (None,)


def test_job_of_a_seed_is_asked_it_last() -> None:
    assert job_of(("x=1", "y=2"), 7) == ("x=1", "y=2", "seed=7")
    assert job_of(("x=1",), None) == ("x=1",)


def test_mean_and_spread_are_those_of_each_objective() -> None:
    values = {0: [0.5, 2.0], 1: [0.75, 4.0], 7: [0.625, 9.0]}
    columns = ((0.5, 0.75, 0.625), (2.0, 4.0, 9.0))
    assert means(values) == [statistics.mean(column) for column in columns]
    assert spreads(values) == [pytest.approx(statistics.stdev(column)) for column in columns]
    assert spreads({0: [0.5]}) is None


def test_steps_count_once_every_seed_has_reached_them() -> None:
    histories = {0: {1: 0.25, 2: 0.5, 3: 0.75}, 1: {2: 1.0, 1: 0.75}}
    assert common_steps((0, 1), histories) == {1: 0.5, 2: 0.75}
    assert common_steps((0, 1, 2), histories) == {}
    assert common_steps((None,), {None: {1: 0.25}}) == {1: 0.25}


def test_seed_typed_beside_seeds_is_a_fault_with_the_remedy() -> None:
    typed = ["x=1,2", "seed=0,1", "+seed=5", "data.seed=3"]
    reason = "hydra.sweeper.seeds gives the jobs of each trial their seeds. Leave"
    or_else = "out, or leave hydra.sweeper.seeds out for one job per trial."
    assert [str(fault) for fault in typed_seed_faults(3, typed)] == [
        f"seed=0,1: {reason} seed=0,1 {or_else}",
        f"+seed=5: {reason} +seed=5 {or_else}",
    ]
    assert list(typed_seed_faults(None, typed)) == []
