"""The sweeper alone; whole sweeps stand in tests/config/test_command_line.py."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from tlx.config.pairing.sweeper import PairingSweeper, PairingSweeperConf
from tlx.errors import ConfigError


def batches(*words: str, **options: Any) -> list[list[list[str]]]:
    conf = OmegaConf.structured(PairingSweeperConf(**options))
    given = {name: conf[name] for name in ("max_batch_size", "params", "pairs")}
    return PairingSweeper(**given).batches(words)


def test_jobs_come_in_batches_of_the_size_asked_for() -> None:
    words = ("a=1,2,3", "b=x,'y,z',null")
    expected = [["a=1", "b=x"], ["a=2", "b='y,z'"], ["a=3", "b=null"]]
    assert batches(*words, pairs=[["a", "b"]]) == [expected]
    assert batches(*words, pairs=[["a", "b"]], max_batch_size=2) == [expected[:2], expected[2:]]


def test_command_line_goes_before_the_configuration() -> None:
    params = {"a": "1,2,3", "b": "3,4", "c": 7}
    assert batches("a=5,6", "d=8", params=params, pairs=[["a", "b"]]) == [
        [["a=5", "b=3", "c=7", "d=8"], ["a=6", "b=4", "c=7", "d=8"]]
    ]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("a=1,2", "b=1"), "zip(a=[1,2],b=[1]): a has 2 values and b has 1. "),
        (("a=1,2",), "zip=(a,b): b has no values. Give b=VALUES, or leave it out."),
        (
            ("c=interval(0,1)", "a=1", "b=1"),
            "c=interval(0,1): an interval has no end of values. Write a,b or "
            "range(start, stop, step), or search it with hydra/sweeper=optuna.",
        ),
    ],
)
def test_what_has_no_jobs_is_refused(words: tuple[str, ...], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        batches(*words, pairs=[["a", "b"]])
    assert str(caught.value).startswith(text)
