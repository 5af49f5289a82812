"""A column that could be read in two ways: what was seen, and the options that settle it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tlx.data.tables.assignment import assignment
from tlx.errors import Fault
from tlx.texts.shown import shown_line

if TYPE_CHECKING:
    from tlx.data.tables.files.dialect import Dialect

MOST_TOLD: Final = 20
LONGEST: Final = 40
MARK_WORDS: Final = {
    "either": "data.thousands=comma where {example!r} is above a thousand, or data.decimal=comma "
    "where it is not",
}


@dataclass(frozen=True)
class Trouble:
    """A column whose reading would be a guess.

    Args:
        name: The column.
        seen: What its cells say, with a row.
        marks: Options of marks in numbers that would read them; `either` of comma's two.
        example: A cell with these marks.
        markers: Cells without digits that may stand for missing values.
        units: Units of its numbers.
        ways: Options that name the column, such as `data.dates`, or whole ones, each with what it
            does.
        correct: Whether cells remain that no option reads as numbers.
    """

    name: str
    seen: str
    marks: tuple[str, ...] = ()
    example: str = ""
    markers: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    ways: tuple[tuple[str, str], ...] = ()
    correct: bool = False

    @property
    def is_of_numbers(self) -> bool:
        """Whether the column is one of numbers, but for some cells."""
        return bool(self.marks or self.units or self.markers or self.correct)


def trouble_faults(troubles: Sequence[Trouble], dialect: Dialect, key: str) -> list[Fault]:
    """Return a fault for each column, with options that fit all of them together.

    Args:
        troubles: Of some columns.
        dialect: What was said already of markers and units.
        key: The option at fault.
    """
    markers = (*dialect.missing_markers, *(m for one in troubles for m in one.markers))
    units = (*dialect.units, *(unit for one in troubles for unit in one.units))
    faults = [
        Fault(key, shown(one.name), one.seen, _remedy(one, markers, units)) for one in troubles
    ]
    if len(faults) <= MOST_TOLD:
        return faults
    rest = [one.name for one in troubles[MOST_TOLD:]]
    reason = f"{len(rest)} more columns could be read in two ways"
    remedy = "Settle those above first; the same options may settle these."
    return [*faults[:MOST_TOLD], Fault(key, ", ".join(map(shown, rest[:5])), reason, remedy)]


def _remedy(one: Trouble, markers: Sequence[str], units: Sequence[str]) -> str:
    numbers = []
    for mark in one.marks:
        words = MARK_WORDS.get(mark, f"data.{mark}")
        numbers.append(words.format(example=one.example))
    if one.units:
        numbers.append(assignment("data.units", units))
    if one.markers:
        named = _joined([repr(shown(marker)) for marker in one.markers], "and")
        verb = "stands" if len(one.markers) == 1 else "stand"
        numbers.append(
            f"{assignment('data.missing_markers', markers)} ({named} {verb} for nothing)"
        )
    if one.correct:
        numbers.append("correct the other cells" if numbers else "correct the cells")
    parts = [_joined(numbers, "and") + " to read numbers" * (not one.correct)] if numbers else []
    for option, what in one.ways:
        way = option if "=" in option else assignment(option, [one.name])
        parts.append(f"{way} {what}")
    text = "; or ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text.startswith("correct") else f"Say which: {text}."


def _joined(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def shown(text: Any) -> str:
    """Return a cell's or a column's text for a message: short, without control characters."""
    clean = shown_line(str(text))
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 3]}..."
