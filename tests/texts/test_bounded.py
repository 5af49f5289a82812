from __future__ import annotations

import re

from tlx.texts.bounded import ERROR_CHARACTERS, bounded, error_text, record_text
from tlx.texts.redaction import MARK


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class NoTextError(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


def test_bounded_of_a_short_text_is_the_text() -> None:
    text = "a" * ERROR_CHARACTERS
    assert bounded(text) == text


def test_bounded_of_a_long_text_keeps_head_and_tail_and_says_what_it_left_out() -> None:
    text = "begin" + "x" * 5_000_000 + "end"
    short = bounded(text)
    assert short.startswith("beginxxx")
    assert short.endswith("xxxend")
    assert " ... 4,998,008 characters left out ... " in short
    assert sum(map(len, re.split(r" \.\.\. .* left out \.\.\. ", short))) == ERROR_CHARACTERS


def test_error_text_of_an_exception_without_words_says_so() -> None:
    assert error_text(SilentError()) == "(its message cannot be made: RuntimeError)"
    assert error_text(NoTextError()) == "(its message cannot be made: TypeError)"


def test_error_text_of_5_mb_with_a_secret_is_short_and_without_it() -> None:
    text = error_text(ValueError("cannot open mysql://u:hunter2@h/ " + "y" * 5_000_000))
    assert len(text) < ERROR_CHARACTERS + 50
    assert text.startswith(f"cannot open mysql://{MARK}@h/ yyy")


def test_record_text_redacts_before_it_cuts() -> None:
    secret = "x" * 1_325 + " http://user:hunter2hunter2@host/ " + "z" * 5_000
    assert "hunter2" not in record_text(secret)
