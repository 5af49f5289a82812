from __future__ import annotations

import pytest

from tlx.texts.file_names import NAME_CHARACTERS, plain_file_name

NAMES = {
    "digits_resnet18": "digits_resnet18",
    "../../x": "_.._x",
    "/abs/x": "_abs_x",
    "..": "model",
    ".": "model",
    "": "model",
    "///": "model",
    ".hidden": "hidden",
    "-rf": "rf",
    "a\\b:c": "a_b_c",
    "a\x00b\nc": "a_b_c",
    "CON?*": "CON__",
    "~root": "_root",
    "Füße": "F__e",
    "a\u202eb": "a_b",
}


@pytest.mark.parametrize("text", NAMES)
def test_plain_file_name_is_no_path(text: str) -> None:
    assert plain_file_name(text) == NAMES[text]


def test_plain_file_name_of_a_long_name_is_short_and_keeps_both_ends() -> None:
    name = plain_file_name("a" * 5_000 + "_end")
    assert len(name) == NAME_CHARACTERS
    assert name.startswith("aaa")
    assert name.endswith("_end")
