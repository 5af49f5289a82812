"""One dimension of a search, as Hydra's override syntax gives it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hydra.core.override_parser.types import (
    IntervalSweep,
    Override,
    QuotedString,
    RangeSweep,
    Sweep,
)

from tlx.errors import Fault, did_you_mean

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Choice:
    """One of several values without an order.

    Args:
        key: The key as it was typed, plus signs included.
        values: What the study knows each value by.
        texts: What stands in the override for each value.
    """

    key: str
    values: tuple[Value, ...]
    texts: tuple[str, ...]

    def text(self, value: Value) -> str:
        """Return how a value is written in an override."""
        return self.texts[self.values.index(value)]

    def points(self) -> tuple[Value, ...]:
        """Return every value."""
        return self.values


@dataclass(frozen=True)
class Steps:
    """One of the numbers of a `range`, whose end is left out as in Python.

    Args:
        key: The key as it was typed, plus signs included.
        numbers: The numbers, ascending and evenly spaced.
        log: Whether their logarithm is what counts.
    """

    key: str
    numbers: tuple[int, ...] | tuple[float, ...]
    log: bool = False

    def text(self, value: Value) -> str:
        """Return how the number of the range that is nearest to a value is written."""
        assert isinstance(value, int | float)
        return repr(min(self.numbers, key=lambda number: abs(number - value)))

    def points(self) -> tuple[Value, ...]:
        """Return every number."""
        return self.numbers


@dataclass(frozen=True)
class Interval:
    """A number between two others.

    Args:
        key: The key as it was typed, plus signs included.
        low: The smallest.
        high: The largest.
        log: Whether its logarithm is what counts.
    """

    key: str
    low: float
    high: float
    log: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether only whole numbers count: `int(interval(1, 8))`."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def __str__(self) -> str:
        """Return the interval as it is typed."""
        return f"interval({self.low:g}, {self.high:g})"

    def text(self, value: Value) -> str:
        """Return how a number is written in an override, to its last digit."""
        assert isinstance(value, int | float)
        return repr(int(value) if self.is_integer else float(value))

    def points(self) -> tuple[Value, ...] | None:
        """Return every whole number, or None where there is no end of numbers."""
        return tuple(range(int(self.low), int(self.high) + 1)) if self.is_integer else None


Parameter = Choice | Steps | Interval


def parameter_of(override: Override) -> Parameter | Fault:
    """Return the dimension that an override with several values spans, or what is wrong with it."""
    sweep = override.value()
    tags = sweep.tags if isinstance(sweep, Sweep) else set()
    key, written = override.get_key_element(), str(override.input_line).partition("=")[2]
    unknown = sorted(tags - {"log"})
    if unknown:
        reason = f"there is no tag {unknown[0]!r}"
        return Fault(key, written, reason, did_you_mean(unknown[0], ["log"]))
    log = "log" in tags
    if isinstance(sweep, IntervalSweep):
        assert sweep.start is not None
        assert sweep.end is not None
        found: Parameter = Interval(key, sweep.start, sweep.end, log)
    elif isinstance(sweep, RangeSweep):
        found = Steps(key, tuple(sorted(sweep.range())), log)
    else:
        found = _choice(key, override)
    problem = _problem(found, log)
    return found if problem is None else Fault(key, written, *problem)


def _choice(key: str, override: Override) -> Choice:
    elements = {Override._get_value_element_as_str(one): one for one in override.sweep_iterator()}
    texts, values = tuple(elements), tuple(_value(one) for one in elements.values())
    # For a study True, 1 and 1.0 are the same, and a list is no value at all.
    if len(set(values)) < len(texts) or not all(_can_be_kept(value) for value in values):
        values = texts
    return Choice(key, values, texts)


def _value(element: object) -> Value:
    if isinstance(element, QuotedString):
        return element.text
    if element is None or isinstance(element, str | int | float):
        return element
    return Override._get_value_element_as_str(element)  # type: ignore[arg-type]


def _can_be_kept(value: Value) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _problem(found: Parameter, log: bool) -> tuple[str, str] | None:
    """Return why a dimension cannot be searched, and what to write instead."""
    if isinstance(found, Choice):
        if not found.values:
            return "it names no value", "Write choice(a, b)."
        if log:
            return "choices have no scale", "Write tag(log, interval(low, high)), or no tag."
        return None
    numbers = found.numbers if isinstance(found, Steps) else (found.low, found.high)
    if not numbers:
        return "the range is empty: its end is not part of it", "Give an end beyond its start."
    if not all(math.isfinite(number) for number in numbers):
        return "its bounds are no finite numbers", "Write interval(low, high)."
    if numbers[0] > numbers[-1]:
        return "its end lies below its start", "Write interval(low, high)."
    if log and numbers[0] <= 0:
        return "a logarithmic scale begins above 0", "Give a start above 0, or no log tag."
    if log and isinstance(found, Steps) and not _is_every_integer(found):
        remedy = "Write tag(log, interval(low, high)), or no tag."
        return "a range with steps other than 1 has no logarithmic scale", remedy
    return None


def _is_every_integer(steps: Steps) -> bool:
    first, last = steps.numbers[0], steps.numbers[-1]
    return isinstance(first, int) and last - first + 1 == len(steps.numbers)
