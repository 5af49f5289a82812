from __future__ import annotations

import os

import pytest

from tlx.texts.names import composed_form, is_utf8, likeness, shortened, shown_name


@pytest.mark.parametrize(
    ("name", "is_text", "shown"),
    [
        ("cat", True, "cat"),
        ("caf\u00e9", True, "caf\u00e9"),
        (os.fsdecode(b"caf\xe9"), False, "caf\\xe9"),
        (os.fsdecode(b"\xff\x1b[31m"), False, "\\xff\\x1b[31m"),
        ("a\nb", True, "a\\nb"),
        ("\ud800", False, "\\ud800"),
    ],
)
def test_names_are_shown_in_one_line_of_text(name: str, is_text: bool, shown: str) -> None:
    assert (is_utf8(name), shown_name(name)) == (is_text, shown)


def test_names_in_two_forms_have_one_composed_form_and_likeness() -> None:
    assert composed_form("cafe\u0301") == composed_form("caf\u00e9") == "caf\u00e9"
    assert likeness(" Cafe\u0301  Noir") == likeness("caf\u00e9 noir") == "caf\u00e9 noir"
    assert likeness("\uff23at") == "cat"


def test_shortened_names_end_with_how_many_more_there_are() -> None:
    assert shortened(["a", "b"]) == "a, b"
    assert shortened(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert shortened(["a", "b", "c"], 1) == "a and 2 more"
