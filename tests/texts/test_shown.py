from __future__ import annotations

import pytest

from tlx.texts.shown import shown, shown_line

ESCAPED = {
    "\x1b[31mred\x1b[0m": r"\x1b[31mred\x1b[0m",
    "\x9b31m": r"\x9b31m",
    "a\rb": r"a\rb",
    "a\tb": r"a\tb",
    "a\x08\x7f\x00": r"a\x08\x7f\x00",
    "\u202egnp.exe": r"\u202egnp.exe",
    "\u2066a\u2069\u200f": r"\u2066a\u2069\u200f",
    "a\u2028b": r"a\u2028b",
    "caf\udce9": r"caf\udce9",
    "\U000e0041": r"\U000e0041",
}


@pytest.mark.parametrize("text", ESCAPED)
def test_shown_of_what_would_steer_a_terminal_is_escaped(text: str) -> None:
    assert shown(text) == ESCAPED[text]


@pytest.mark.parametrize(
    "text", ["Füße", "日本　語", "न्\u200dय", "👩\u200d🔬", "a\xa0b", "two\nlines"]
)
def test_shown_of_text_stays(text: str) -> None:
    assert shown(text) == text


def test_shown_line_has_no_newline() -> None:
    assert shown_line("two\nlines\x1b") == r"two\nlines\x1b"
