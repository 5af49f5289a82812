from __future__ import annotations

import shlex

import pytest

from tlx.config.composition import compose_config
from tlx.config.typed.misread import misread_faults
from tlx.config.typed.overrides import parse


def told(*typed: str) -> tuple[list[str], list[str]]:
    """Return the overrides that are fine, and what is said of the others."""
    overrides, faults = parse(typed)
    assert not faults
    cfg = compose_config(["data=image_table", "data.table=x"])
    good, found = misread_faults(overrides, cfg)
    return [str(o.input_line) for o in good], [str(fault) for fault in found]


@pytest.mark.parametrize(
    ("typed", "read", "fixed"),
    [
        (
            "data.classes=[1_0,007,true]",
            "1_0 as the number 10 and true as a truth value",
            'data.classes=["1_0",007,"true"]',
        ),
        ("data.classes=[null,cat]", "null as nothing", 'data.classes=["null",cat]'),
        (
            "data.classes=[1.10,1e3]",
            "1.10 as the number 1.1 and 1e3 as the number 1000.0",
            'data.classes=["1.10","1e3"]',
        ),
        ("data.label_column=1_0", "1_0 as the number 10", 'data.label_column="1_0"'),
        ("data.path_column=true", "true as a truth value", 'data.path_column="true"'),
        ("data.table=2024", "2024 as the number 2024", 'data.table="2024"'),
    ],
)
def test_misread_names_are_told_with_the_quotes_that_a_shell_needs(
    typed: str, read: str, fixed: str
) -> None:
    good, faults = told(typed)
    key, _, value = typed.partition("=")
    remedy = f"Quote what is a name: {shlex.quote(fixed)}."
    assert (good, faults) == ([], [f"{key}={value}: Hydra reads {read}. {remedy}"])
    assert told(*shlex.split(shlex.quote(fixed))) == ([fixed], [])


@pytest.mark.parametrize(
    "typed",
    [
        "data.classes=[1,2,cat,007]",
        "data.classes=null",
        "data.root=null",
        "data.size=1_0",
        "data.classes=['1_0',\"true\"]",
        "seed=1_0",
        "trainer.epochs=1",
        "strategy.train_stages=1",
        "data=image_folder",
        "data.label_column=choice(a,b)",
    ],
)
def test_misread_leaves_what_is_read_as_it_looks(typed: str) -> None:
    assert told(typed) == ([typed], [])
