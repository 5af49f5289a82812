"""What a cell that is no plain number looks like, and which option would settle it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from tlx.data.tables.columns.numbers import number_of
from tlx.data.tables.files.dialect import Dialect

PLAIN: Final = Dialect()
Kind = Literal["marks", "point", "unit", "date", "time", "list", "word", "other"]
_UNIT: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<before>[€$£¥₹]|US\$|EUR|USD|GBP|CHF)?\s*(?P<number>[+-]?\d[\d.,'\u2019\s]*?)"
    r"\s*(?P<behind>[%‰€$£¥₹°][A-Za-z]?|[A-Za-zµΩ]{1,7}(?:[²³/][A-Za-z0-9²³]*)?)?"
)
_MARKS: Final = (
    (re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+|[+-]?\d{1,3}(,\d{3}){2,}"), ("thousands=comma",)),
    (re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+"), ("decimal=comma", "thousands=point")),
    (re.compile(r"[+-]?\d{1,3}(\.\d{3}){2,}"), ("thousands=point", "decimal=comma")),
    (re.compile(r"[+-]?[1-9]\d{0,2},\d{3}"), ("either",)),
    (re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?"), ("decimal=comma",)),
    (re.compile(r"[+-]?\d{1,3}([ \u00a0\u202f]\d{3})+(\.\d+)?"), ("thousands=space",)),
    (
        re.compile(r"[+-]?\d{1,3}([ \u00a0\u202f]\d{3})+,\d+"),
        ("decimal=comma", "thousands=space"),
    ),
    (re.compile(r"[+-]?\d{1,3}(['\u2019]\d{3})+(\.\d+)?"), ("thousands=apostrophe",)),
)
_DATES: Final = re.compile(
    r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{4}|\d{2})"
    r"|\d{1,2}[ .-]+[A-Za-z]{3,9}[ .,-]+\d{2,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4})"
    r"([T ,]+\d{1,2}:\d{2}.*)?"
)
_TIME: Final = re.compile(r"\d{1,3}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?")
_LIST: Final = re.compile(r"\[.*\]|\{.*\}|\(.*,.*\)", re.DOTALL)


@dataclass(frozen=True)
class Shape:
    """What a cell looks like.

    Args:
        kind: Numbers with other `marks`, with a decimal `point` where another mark is said, or
            with a `unit`, a `date`, a `time`, a `list`, a `word` without digits, or `other`.
        marks: Options of marks (`decimal=comma`) that would read it; `either` of comma's two.
        unit: The unit, where it has one.
    """

    kind: Kind
    marks: tuple[str, ...] = ()
    unit: str = ""


def shape_of(text: str, dialect: Dialect) -> Shape:
    """Return what a cell looks like which is no number as the dialect writes them.

    Args:
        text: The cell, not empty.
        dialect: How numbers are said to be written.
    """
    text = text.strip()
    if _LIST.fullmatch(text):
        return Shape("list")
    if _DATES.fullmatch(text):
        return Shape("date")
    if _TIME.fullmatch(text):
        return Shape("time")
    marks = _marks(text)
    if marks:
        return Shape("marks", marks)
    if number_of(text, PLAIN) is not None:
        return Shape("point")
    if not any(character.isdigit() for character in text):
        return Shape("word")
    with_unit = _UNIT.fullmatch(text)
    if with_unit is None:
        return Shape("other")
    before, behind = with_unit.group("before") or "", with_unit.group("behind") or ""
    number = with_unit.group("sign") + with_unit.group("number")
    if bool(before) == bool(behind):
        return Shape("other")
    if number_of(number, dialect) is not None:
        return Shape("unit", (), before or behind)
    marks = _marks(number)
    return Shape("unit", marks, before or behind) if marks else Shape("other")


def _marks(text: str) -> tuple[str, ...]:
    return next((marks for pattern, marks in _MARKS if pattern.fullmatch(text)), ())
