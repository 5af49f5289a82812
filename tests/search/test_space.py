"""Hydra's override syntax as a space to search."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tlx.errors import ConfigError
from tlx.search.distributions import distribution
from tlx.search.parameter import Choice, Interval, Steps
from tlx.search.space import Space, space_of


def space(*overrides: str) -> Space:
    return space_of(OverridesParser.create().parse_overrides(list(overrides)))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("x=a,b", CategoricalDistribution(("a", "b"))),
        ("x=3,2.5,null", CategoricalDistribution((3, 2.5, None))),
        ("x=choice(1,true)", CategoricalDistribution(("1", "True"))),
        ("x=[1,2],[3]", CategoricalDistribution(("[1,2]", "[3]"))),
        ("x=range(1,4)", IntDistribution(1, 3)),
        ("x=range(10,0,-3)", IntDistribution(1, 10, step=3)),
        ("x=range(0,1,0.25)", FloatDistribution(0.0, 0.75, step=0.25)),
        ("x=tag(log,range(1,100))", IntDistribution(1, 99, log=True)),
        ("x=interval(-1,2)", FloatDistribution(-1.0, 2.0)),
        ("x=int(interval(1,8))", IntDistribution(1, 8)),
        ("x=tag(log,interval(1e-5,1e-1))", FloatDistribution(1e-5, 1e-1, log=True)),
        ("x=tag(log,int(interval(1,64)))", IntDistribution(1, 64, log=True)),
    ],
)
def test_distribution_of_each_sweep_is_optunas(written: str, expected: object) -> None:
    (parameter,) = space(written).parameters
    assert distribution(parameter) == expected


def test_overrides_keep_order_plus_signs_quotes_and_fixed_ones() -> None:
    found = space("+a=1,2", "~b", "body=ball", "c='x y','z'", "c.d=interval(0,1)")
    values = {"+a": 2, "c": "x y", "c.d": 1e-05}
    expected = ("+a=2", "~b", "body=ball", "c='x y'", "c.d=1e-05")
    assert found.overrides(values) == expected


def test_last_of_two_overrides_counts() -> None:
    assert space("x=1,2", "y=1,2", "x=5").entries == ("x=5", Choice("y", (1, 2), ("1", "2")))


def test_text_of_range_is_the_number_that_hydra_would_give() -> None:
    (override,) = OverridesParser.create().parse_overrides(["x=range(0,1,0.1)"])
    parameter = space("x=range(0,1,0.1)").parameters[0]
    assert isinstance(parameter, Steps)
    texts = [parameter.text(k * 0.1) for k in range(10)]  # 3 * 0.1 is 0.30000000000000004
    assert texts == list(override.sweep_string_iterator())


def test_points_of_grid_are_hydras_and_include_the_last() -> None:
    found = space("x=range(1,4)", "y=a,b")
    points = [found.overrides(point) for point in found.points()]
    assert points == [(f"x={x}", f"y={y}") for x in (1, 2, 3) for y in "ab"]
    assert space("x=int(interval(1,3))").size() == 3


def test_probes_hold_every_choice_once() -> None:
    found = space("x=a,b,c", "y=d,e", "z=interval(2,3)")
    xy = [(texts[0][-1], texts[1][-1]) for texts in found.probes()]
    assert xy == [("a", "d"), ("b", "d"), ("c", "d"), ("a", "e")]
    assert {texts[2] for texts in found.probes()} == {"z=2.0"}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("x=range(3,3)", "x=range(3,3): the range is empty: its end is not part of it."),
        ("x=interval(2,1)", "its end lies below its start. Write interval(low, high)."),
        ("x=tag(log,interval(0,1))", "a logarithmic scale begins above 0."),
        ("x=tag(log,choice(1,10))", "choices have no scale."),
        ("x=tag(log,range(1,9,2))", "a range with steps other than 1 has no logarithmic scale."),
        ("x=tag(lgo,interval(1,2))", "there is no tag 'lgo'. Did you mean 'log'?"),
        ("x=1", "hydra/sweeper=optuna: no override has several values. Write key=a,b"),
    ],
)
def test_space_that_cannot_be_searched_names_reason_and_remedy(written: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        space(written)
    assert text in str(caught.value)


def test_all_faults_of_a_space_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        space("x=range(3,3)", "y=interval(2,1)", "z=1,2")
    assert [fault.key for fault in caught.value.faults] == ["x", "y"]


def test_grid_over_an_interval_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        space("x=interval(0,1)", "y=1,2").size()
    assert "x=interval(0, 1): a grid needs single values. Write range(" in str(caught.value)


def test_integer_interval_ends_where_it_says() -> None:
    (parameter,) = space("x=int(interval(1,3))").parameters
    assert isinstance(parameter, Interval)
    assert parameter.points() == (1, 2, 3)
    assert parameter.text(3) == "3"
