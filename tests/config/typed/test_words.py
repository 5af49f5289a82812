from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tlx.config.typed.words import swept_words_of, words_of
from tlx.errors import TlxError


def read(word: str) -> Any:
    override = OverridesParser.create().parse_override(word)
    if override.is_sweep_override():
        return list(override.sweep_iterator())
    return override.value()


@pytest.mark.parametrize(
    "value",
    [None, True, False, 3, -2, 0.5, 1e-30, "partial", "true", "007", "a, b=c", "q'uote", "${x}",
     "", [1, 2], ["a b", None], [], [[1], [2]]],
)  # fmt: skip
def test_words_of_a_value_are_read_as_that_value(value: Any) -> None:
    (word,) = words_of({"data__root": value})
    assert word.startswith("data.root=")
    found = read(word)
    plain = found.replace("\\${", "${") if isinstance(found, str) else found
    assert plain == value


def test_words_of_paths_and_numpy_numbers_are_text_and_numbers() -> None:
    words = words_of({"data__root": Path("a b"), "optimizer__lr": np.float64(0.25)})
    assert words == ["data.root='a b'", "optimizer.lr=0.25"]


def test_words_of_what_has_no_form_are_refused() -> None:
    with pytest.raises(TlxError) as caught:
        words_of({"seed": object()})
    assert str(caught.value) == (
        "seed: a object has no form on a command line. Give text, a number, true or false, None, "
        "or lists and mappings of them."
    )


def test_swept_words_of_lists_are_swept_over() -> None:
    assert read(swept_words_of({"seed": [0, 1]})[0]) == [0, 1]
    assert swept_words_of({"strategy": "partial"}) == ["strategy='partial'"]
    with pytest.raises(TlxError, match="has no value to sweep over"):
        swept_words_of({"seed": []})
