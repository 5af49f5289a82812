from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tlx.config.pairing.zip_word import refuse_unreadable, shown_zip, unzipped, without_zips
from tlx.errors import ConfigError

EXAMPLE = "'zip(optimizer.lr=[1e-3,1e-2],trainer.epochs=[20,10])'"


def test_zip_is_an_ordinary_sweep_of_each_key_and_says_what_goes_together() -> None:
    words = ["-m", "seed=0,1", "zip(optimizer.lr=[1e-3,1e-2],trainer.epochs=[20,10])", "-m"]
    assert unzipped(words) == (
        [
            "-m", "seed=0,1", "optimizer.lr=1e-3,1e-2", "trainer.epochs=20,10",
            "hydra.sweeper.pairs=[[optimizer.lr,trainer.epochs]]", "-m",
        ],
        [],
    )  # fmt: skip


def test_several_zips_are_several_pairs() -> None:
    found = unzipped(["zip(a=[1,2],b=[3,4])", "c=5", "zip(d=[6],e=[[7,8]])"]).words
    assert found == ["a=1,2", "b=3,4", "c=5", "d=6", "e=[7,8]", "hydra.sweeper.pairs=[[a,b],[d,e]]"]


@pytest.mark.parametrize(
    ("typed", "sweep", "values"),
    [
        ("x=['a, b',\"c'd\"]", "x='a, b',\"c'd\"", ["'a, b'", '"c\'d"']),
        ("x=[null,true,1.5]", "x=null,true,1.5", ["null", "True", "1.5"]),
        ("x=[[a,b],[]]", "x=[a,b],[]", ["[a,b]", "[]"]),
        ("x=[{a:1},{}]", "x={a:1},{}", ["{a:1}", "{}"]),
        ("+x=[1,2]", "+x=1,2", ["1", "2"]),
        ("x@p=[y,z]", "x@p=y,z", ["y", "z"]),
        ("x=[ 1 , 2 ]", "x=1 , 2", ["1", "2"]),
        ("x=range(1,4)", "x=range(1,4)", ["1", "2", "3"]),
        ("x=choice(1,2)", "x=choice(1,2)", ["1", "2"]),
    ],
)
def test_values_of_a_zip_are_those_of_a_sweep(typed: str, sweep: str, values: list[str]) -> None:
    (found, pairs), faults = unzipped([f"zip({typed})"])
    assert (found, faults) == (sweep, [])
    override = OverridesParser.create().parse_override(found)
    assert list(override.sweep_string_iterator()) == values
    assert OverridesParser.create().parse_override(pairs).value() == [
        [str(override.get_key_element()).lstrip("+")]
    ]


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("zip()", f"zip=(): it names no key. Write {EXAMPLE}."),
        (
            "zip(a=[1,2],b=[3)",
            "zip(a=[1,2],b=[3): a bracket or a quote in it is not closed. "
            f"Write {EXAMPLE}.",
        ),
        (
            "zip([1,2])",
            "zip=([1,2]): [1,2] stands in it for KEY=[VALUES]. "
            f"Write the values of a key as a list: {EXAMPLE}.",
        ),
        (
            "zip(a=[1,2],)",
            "zip=(): nothing stands in it for KEY=[VALUES]. "
            f"Write the values of a key as a list: {EXAMPLE}.",
        ),
        (
            "zip(a=1,2,b=[3,4])",
            "zip(a=1): it is one value and no list. Write a=[VALUES], or the value beside the zip.",
        ),
        ("zip(a=[])", "zip(a=[]): it has no values. Write a=[VALUES]."),
        (
            "zip(a=interval(0,1))",
            "zip(a=interval(0,1)): an interval has no end of values. "
            "Write a list, or range(start, stop, step).",
        ),
        ("zip(~a=[1])", "zip(~a=[1]): what is removed has no values. Write ~a beside the zip."),
        (
            "zip(hydra.verbose=[true,false])",
            "zip(hydra.verbose=[true,false]): an option of Hydra's is one for the whole sweep. "
            "Write hydra.verbose beside the zip.",
        ),
        (
            "zip(logger.api_key=[one,two",
            "zip(***redacted***=: a bracket or a quote in it is not closed. "
            f"Write {EXAMPLE}.",
        ),
    ],
)  # fmt: skip
def test_zip_that_cannot_be_read_stays_and_is_told(word: str, text: str) -> None:
    words, faults = unzipped(["seed=1", word, "-m"])
    assert words == ["seed=1", word, "-m"]
    assert [str(fault) for fault in faults] == [text]
    with pytest.raises(ConfigError) as caught:
        refuse_unreadable([word])
    assert str(caught.value) == text


def test_zip_beside_the_option_it_stands_for_is_refused() -> None:
    words = ["hydra.sweeper.pairs=[[a,b]]", "zip(c=[1],d=[2])"]
    found = unzipped(words)
    assert found.words == words
    assert [str(fault) for fault in found.faults] == [
        "hydra.sweeper.pairs=[[a,b]]: it says what goes together, and so does zip(...). "
        "Give one of the two."
    ]


def test_shown_zip_is_as_typed_and_without_secrets() -> None:
    assert "=".join(shown_zip(["a=1,2", "b=[1,2]", "c=range(3)"])) == (
        "zip(a=[1,2],b=[[1,2]],c=range(3))"
    )
    assert "=".join(shown_zip(["seed=1,2", "logger.api_key=one,two"])) == (
        "zip(seed=[1,2],logger.api_key=***redacted***)"
    )


def test_line_to_complete_has_no_zip_before_its_last_word() -> None:
    line = """tlx-train 'zip(a=[1, 2])' zip(b=[1]) "zip(c=['x y'])" strat"""
    assert without_zips(line).split() == ["tlx-train", "strat"]
    assert without_zips("tlx-train zip(a=[1") == "tlx-train zip(a=[1"
