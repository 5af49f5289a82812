from __future__ import annotations

import math

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tlx.sweeps.overrides import is_seed, override_values

SIMPLE = [
    "a=1", "a=-3", "a=1e-4", "a=0.5", "a=.5", "a=1_000", "a=inf", "a=-inf", "a=true", "a=False",
    "a=null", "a=text", "a='with blank'", 'a="1"', "a=1e", "a=v1.2.3", "a=2026-01-31", "a=yes",
]  # fmt: skip


@pytest.mark.parametrize("override", SIMPLE)
def test_override_values_are_those_of_hydras_parser(override: str) -> None:
    expected = OverridesParser.create().parse_override(override).value()
    (value,) = override_values([override]).values()
    assert type(value) is type(expected) or str(value) == str(expected)
    assert value == expected or str(value) == str(expected)


def test_override_values_of_nan_is_nan() -> None:
    value = override_values(["a=nan"])["a"]
    assert isinstance(value, float)
    assert math.isnan(value)


def test_override_values_name_additions_and_removals_by_their_key() -> None:
    given = ["+a.b=1", "++c=2", "~d", "db@x=mysql", "list=[1,2]", "empty=", "e=a=b"]
    assert override_values(given) == {
        "a.b": 1,
        "c": 2,
        "~d": None,
        "db@x": "mysql",
        "list": "[1,2]",
        "empty": None,
        "e": "a=b",
    }


def test_is_seed_knows_nested_seeds_alone() -> None:
    assert is_seed("seed")
    assert is_seed("trainer.seed")
    assert is_seed("data.fold")
    assert not is_seed("data.folds")
    assert not is_seed("seeds")
