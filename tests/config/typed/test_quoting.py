from __future__ import annotations

import random

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from tlx.config.typed.quoting import in_quotes, quoted

PIECES = [
    "'", '"', "\\", "$", "{", "}", "${", "${oc.env:HOME}", ",", "=", " ", "a", "é", ":", "[", "]",
    "(", ")", "\n", "\t", "#", "?", "*", "~", "+", "|", "%", "日本", "null", "1e3",
]  # fmt: skip


def read(override: str) -> object:
    cfg = OmegaConf.create({})
    OmegaConf.update(cfg, "key", OverridesParser.create().parse_override(override).value())
    return cfg.key


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("q'uote", r"'q\'uote'"),
        ("do${oc.env:HOME}llar", r"'do\${oc.env:HOME}llar'"),
        ("a, b=c {d}", "'a, b=c {d}'"),
        ("back\\", r"'back\\'"),
        (r"a\'b", r"'a\\\'b'"),
        (r"a\${b}", r"'a\\\${b}'"),
        ("", "''"),
    ],
)
def test_quoted_text_is_read_as_it_is(text: str, written: str) -> None:
    assert quoted(text) == written
    assert read(f"key={written}") == text


def test_quoted_text_of_any_characters_is_read_as_it_is() -> None:
    draw = random.Random(0)
    parser = OverridesParser.create()
    for _ in range(1000):
        text = "".join(draw.choices(PIECES, k=draw.randrange(8)))
        assert read(f"key={quoted(text)}") == text
        # What is no node of the configuration is taken from the grammar alone.
        assert parser.parse_override(f"key=[{in_quotes(text)},b]").value() == [text, "b"]
