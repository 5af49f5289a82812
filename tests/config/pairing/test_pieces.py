from __future__ import annotations

import pytest

from tlx.config.pairing.pieces import pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1", ["a=1"]),
        ("", [""]),
        ("a=[1,2], b=[3,4] ", ["a=[1,2]", "b=[3,4]"]),
        ("a=['x,y','z'],b={c:[1,2]}", ["a=['x,y','z']", "b={c:[1,2]}"]),
        (r"a=['it\'s,','\\'],b=[1]", [r"a=['it\'s,','\\']", "b=[1]"]),
        (r"a=x\,y,b=range(0,3)", [r"a=x\,y", "b=range(0,3)"]),
        ("""a=["(", ')'],b=[1]""", ["""a=["(", ')']""", "b=[1]"]),
    ],
)
def test_pieces_are_cut_at_outermost_commas(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@pytest.mark.parametrize("text", ["a=[1", "a=[1)", "a=1]", "a='x", "a=['x]", "a=(1,2]", r"a='x\'"])
def test_pieces_of_what_is_not_closed_are_none(text: str) -> None:
    assert pieces(text) is None
