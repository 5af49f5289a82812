from __future__ import annotations

import pytest

from tlx.texts.markdown import TEXT_CHARACTERS, markdown_code, markdown_names, markdown_text

ESCAPED = {
    "<script>alert(1)</script>": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "a\n# Heading": r"a\\n\# Heading",
    "a|b": r"a\|b",
    "```": r"\`\`\`",
    "[x](http://e)": r"\[x\](http\://e)",
    "![i](x)": r"\!\[i\](x)",
    "# h": r"\# h",
    "- item": r"\- item",
    "1. x": r"1\. x",
    "> q": "&gt; q",
    "_em_ *b* hot_dog": r"\_em\_ \*b\* hot_dog",
    "www.evil.com": r"www\.evil.com",
    "A & B &lt;": "A &amp; B &amp;lt;",
    "\x1b[31m": r"\\x1b\[31m",
    "===": r"\===",
    "\\`": r"\\\`",
}


@pytest.mark.parametrize("text", ESCAPED)
def test_markdown_text_stands_for_itself(text: str) -> None:
    assert markdown_text(text) == ESCAPED[text]


@pytest.mark.parametrize(
    "text", ["resnet18", "Füße 日本語", "p = 0.5, 3 of 4", "a-b.c (d)", "0.9", "-1"]
)
def test_markdown_text_of_plain_words_is_the_words(text: str) -> None:
    assert markdown_text(text) == text


def test_markdown_text_of_a_megabyte_is_short() -> None:
    assert len(markdown_text("y" * 1_000_000)) < TEXT_CHARACTERS + 50


def test_markdown_code_leaves_the_code_where_it_would_be_left_by_the_text() -> None:
    assert markdown_code("python -m tlx.train seed=1") == "`python -m tlx.train seed=1`"
    assert markdown_code("a`</code><script>") == r"a\`&lt;/code&gt;&lt;script&gt;"


def test_markdown_names_join_escaped_names() -> None:
    assert markdown_names(["a", "<b>"]) == "a, &lt;b&gt;"
