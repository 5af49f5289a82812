"""What a column of text holds: numbers or categories, with the reason, or why that is a guess."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from tlx.data.tables.assignment import assignment
from tlx.data.tables.columns.numbers import number_of
from tlx.data.tables.columns.shapes import Shape, shape_of
from tlx.data.tables.columns.trouble import Trouble, shown
from tlx.texts.names import likeness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tlx.data.tables.files.dialect import Dialect

ColumnKind = Literal["number", "category", "date"]
FEWEST_ROWS_TO_JUDGE: Final = 20
NEARLY_UNIQUE: Final = 0.9
OFTEN_UNIQUE: Final = 0.5
MOST_MARKERS: Final = 5
MOST_UNITS: Final = 3
EXACT: Final = 2**53
AS_WORDS: Final = ("data.categorical", "to take each text as a category")
AS_NUMBERS: Final = ("data.numeric", "to read numbers")
AS_DATES: Final = ("data.dates", "to make days since 1970 of it")
OUT: Final = ("data.exclude", "to leave it out")
_CODE: Final = re.compile(r"[+-]?0\d+")
_COMPACT_DATE: Final = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_TRUTH: Final = (
    frozenset(("true", "t", "yes", "y", "1", "on")),
    frozenset(("false", "f", "no", "n", "0", "off")),
)


@dataclass(frozen=True)
class Finding:
    """What a column holds.

    Args:
        kind: Its kind.
        reason: Why.
        row: Position of a cell to show, or of the cell that decided.
        notice: What a reader should know, and the option that reads it otherwise.
        trouble: Why this would be a guess; None where it is none.
        unit: What stands before or behind each number.
    """

    kind: ColumnKind
    reason: str
    row: int = 0
    notice: str = ""
    trouble: Trouble | None = None
    unit: str = ""


@dataclass(frozen=True)
class Texts:
    """The different cells of a column.

    Args:
        name: The column.
        counts: How often each text stands in it.
        first: Position of the first cell with each text.
        numbers: Of each text, its number where it is one.
        unit: What stands before or behind each number.
    """

    name: str
    counts: Counter[str]
    first: dict[str, int]
    numbers: dict[str, float] = field(default_factory=dict)
    unit: str = ""

    @property
    def are_numbers(self) -> str:
        """What is said of cells that are numbers."""
        return f"are numbers with {self.unit!r}" if self.unit else "are numbers"

    @property
    def total(self) -> int:
        """How many cells are not missing."""
        return self.counts.total()

    def weight(self, texts: Any) -> int:
        """Return how many cells hold one of some texts."""
        return sum(self.counts[text] for text in texts)

    def said(self, text: str) -> str:
        """Return where a text stands."""
        return f"row {self.first[text] + 1} says {shown(text)!r}"


def texts_in(name: str, cells: NDArray[Any], dialect: Dialect, unit: str = "") -> Texts:
    """Return the different texts of a column.

    Args:
        name: The column.
        cells: Text, or None where missing, shape (n,).
        dialect: How numbers are written.
        unit: What stands before or behind each number.
    """
    first: dict[str, int] = {}
    for row, text in enumerate(cells):
        if text is not None:
            first.setdefault(text, row)
    counts = Counter(text for text in cells if text is not None)
    found = {text: number_of(text, dialect, unit) for text in first}
    return Texts(name, counts, first, {t: n for t, n in found.items() if n is not None}, unit)


def kind_of(texts: Texts, dialect: Dialect) -> Finding:
    """Return what a column of text holds which has at least one cell.

    Args:
        texts: Its cells.
        dialect: How numbers are written.
    """
    if len(texts.numbers) == len(texts.first):
        return _numbers(texts)
    others = {t: shape_of(t, dialect) for t in texts.first if t not in texts.numbers}
    special = _special(texts, others)
    if special is not None:
        return special
    if any(_CODE.fullmatch(text) for text in texts.numbers):
        return _codes(texts)
    if all(text.strip().casefold() in _TRUTH[0] | _TRUTH[1] for text in texts.first):
        return _categories(texts)
    units = {shape.unit for shape in others.values() if shape.kind == "unit"}
    kinds = {"marks", "point"} | ({"unit"} if len(units) <= MOST_UNITS else set())
    near = [text for text, shape in others.items() if shape.kind in kinds]
    if 2 * (texts.weight(texts.numbers) + texts.weight(near)) >= texts.total:
        return _nearly_numbers(texts, others)
    return _categories(texts)


def _numbers(texts: Texts) -> Finding:
    codes = [text for text in texts.first if _CODE.fullmatch(text.strip())]
    if codes:
        return _codes(texts) if _is_code(texts, codes) else _some_codes(texts, codes)
    long = [t for t, n in texts.numbers.items() if abs(n) > EXACT and _digits_lost(t, n)]
    reason = f"all {texts.total} {texts.are_numbers}"
    if long:
        seen = f"{texts.said(long[0])}, which has more digits than a number keeps"
        trouble = Trouble(texts.name, seen, ways=(OUT, AS_WORDS, AS_NUMBERS))
        return Finding("number", reason, texts.first[long[0]], trouble=trouble)
    return Finding("number", reason, _first_row(texts), _number_notice(texts), unit=texts.unit)


def _digits_lost(text: str, number: float) -> bool:
    return text.strip().lstrip("+-").isdigit() and int(number) != int(text)


def _first_row(texts: Texts) -> int:
    return min(texts.first.values())


def _number_notice(texts: Texts) -> str:
    if all(_COMPACT_DATE.fullmatch(text.strip()) for text in texts.first):
        way = assignment("data.dates", [texts.name])
        return f"read as numbers; {way} data.date_format=%Y%m%d reads dates, if they are some"
    if len(set(texts.numbers.values())) == len(texts.first):
        return ""
    seen: dict[float, str] = {}
    for text, number in texts.numbers.items():
        if seen.setdefault(number, text).strip() != text.strip():
            way = assignment("data.categorical", [texts.name])
            pair = f"{shown(seen[number])!r} and {shown(text)!r}"
            return f"{pair} are the same number here; {way} keeps them apart"
    return ""


def _is_code(texts: Texts, codes: list[str]) -> bool:
    same_length = len({len(text.strip()) for text in texts.first}) == 1
    return same_length or 2 * texts.weight(codes) >= texts.total


def _codes(texts: Texts) -> Finding:
    code = next(t for t in texts.first if _CODE.fullmatch(t.strip()))
    found = _categories(texts)
    way = assignment("data.numeric", [texts.name])
    reason = f"{texts.said(code)}: codes keep their leading zeros"
    notice = f"read as codes, text as written; {way} reads numbers"
    whole = len(texts.numbers) == len(texts.first)
    return replace(
        found, reason=reason, row=texts.first[code], notice=notice if whole else found.notice
    )


def _some_codes(texts: Texts, codes: list[str]) -> Finding:
    seen = f"all {texts.total} are numbers, and {texts.said(codes[0])} with a leading zero"
    trouble = Trouble(texts.name, seen, ways=(AS_NUMBERS, AS_WORDS))
    return Finding("category", seen, texts.first[codes[0]], trouble=trouble)


def _special(texts: Texts, others: dict[str, Shape]) -> Finding | None:
    """Return that half of the cells or more are dates, times of day or lists."""
    told = {
        "date": ("are dates", (AS_DATES, AS_WORDS, OUT)),
        "time": ("are times of day or durations", (AS_WORDS, OUT)),
        "list": ("are lists", (OUT, AS_WORDS)),
    }
    for kind, (words, ways) in told.items():
        found = [text for text, shape in others.items() if shape.kind == kind]
        if 2 * texts.weight(found) < texts.total:
            continue
        count = f"{texts.weight(found)} of {texts.total}"
        seen = f"{count} {words}; {texts.said(found[0])}"
        trouble = Trouble(texts.name, seen, ways=ways)
        return Finding("category", seen, texts.first[found[0]], trouble=trouble)
    return None


def _nearly_numbers(texts: Texts, others: dict[str, Shape]) -> Finding:
    rows = sorted(others, key=lambda text: texts.first[text])
    words = tuple(dict.fromkeys(text.strip() for text in rows if others[text].kind == "word"))
    words = words if len(words) <= MOST_MARKERS else ()
    units = tuple(dict.fromkeys(others[text].unit for text in rows if others[text].unit))
    mixed = len(units) > 1 or bool(units and texts.numbers)
    marks, unread = _marks(texts, others, rows)
    readable = {"marks"} | ({"word"} if words else set()) | (set() if mixed else {"unit"})
    points = any(shape.kind == "point" for shape in others.values())
    trouble = Trouble(
        texts.name,
        _seen(texts, rows)
        + (", so that not all have the same unit" if mixed else "")
        + (", with another decimal mark than data.decimal says" if points else ""),
        marks=marks,
        example=shown(next((text for text in rows if others[text].marks), "")),
        markers=words,
        units=() if mixed else units,
        ways=(AS_WORDS, OUT),
        correct=unread or any(shape.kind not in readable for shape in others.values()),
    )
    return Finding("category", trouble.seen, texts.first[rows[0]], trouble=trouble)


def _marks(texts: Texts, others: dict[str, Shape], rows: list[str]) -> tuple[tuple[str, ...], bool]:
    """Return options that read the cells with other marks, and whether some stay unread."""
    marks = tuple(dict.fromkeys(mark for text in rows for mark in others[text].marks))
    points = any("." in text for text in texts.numbers)
    if points:
        kept = tuple("thousands=comma" if m == "either" else m for m in marks)
        kept = tuple(
            dict.fromkeys(m for m in kept if m not in ("decimal=comma", "thousands=point"))
        )
        return kept, any("decimal=comma" in others[text].marks for text in rows)
    sure = tuple(mark for mark in marks if mark != "either")
    return (sure or marks), False


def _seen(texts: Texts, rows: list[str]) -> str:
    """Return how many cells are numbers, and where some stand that are none."""
    said = ", ".join(texts.said(text) for text in rows[:3])
    left = texts.weight(rows) - len(rows[:3])
    more = f" (and {left} more {'cell is' if left == 1 else 'cells are'} none)" if left else ""
    return f"{texts.weight(texts.numbers)} of {texts.total} {texts.are_numbers}; {said}{more}"


def _categories(texts: Texts) -> Finding:
    distinct, total = len(texts.first), texts.total
    example = min(texts.first, key=lambda text: texts.first[text])
    reason = f"{distinct} different texts in {total} rows"
    found = Finding("category", reason, texts.first[example], _category_notice(texts))
    if total < FEWEST_ROWS_TO_JUDGE or distinct < OFTEN_UNIQUE * total:
        return found
    seen = f"{reason}, as names and identifiers have; {texts.said(example)}"
    if distinct >= NEARLY_UNIQUE * total:
        return replace(found, trouble=Trouble(texts.name, seen, ways=(OUT, AS_WORDS)))
    return replace(found, notice=f"{seen}; {assignment('data.exclude', [texts.name])}")


def _category_notice(texts: Texts) -> str:
    alike = same_but_for_case(texts.first)
    if alike:
        return (
            f"{alike} are categories of their own: write one of them in the table if they are one"
        )
    if texts.numbers:
        count = texts.weight(texts.numbers)
        return f"{count} of {texts.total} are numbers, and read as text like the others"
    return ""


def same_but_for_case(texts: Any) -> str:
    """Return texts that differ only in case or spaces, or are one truth value, or say nothing."""
    seen: dict[str, str] = {}
    for text in texts:
        other = seen.setdefault(likeness(text), text)
        if other != text:
            return f"{shown(other)!r} and {shown(text)!r}"
    if set(seen) <= _TRUTH[0] | _TRUTH[1]:
        for words in _TRUTH:
            same = [seen[word] for word in seen if word in words]
            if len(same) > 1:
                return f"{shown(same[0])!r} and {shown(same[1])!r}"
    return ""
