"""What is searched: the dimensions, and the overrides that every trial shares."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from hydra.core.override_parser.types import Override

from tlx.errors import ConfigError, Fault
from tlx.search.parameter import Choice, Interval, Parameter, Value, parameter_of


@dataclass(frozen=True)
class Space:
    """The overrides of a search, in the order in which they were given.

    Args:
        entries: A dimension, or the text of an override that is the same for all trials.
    """

    entries: tuple[Parameter | str, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The dimensions."""
        return tuple(entry for entry in self.entries if not isinstance(entry, str))

    @property
    def fixed(self) -> tuple[str, ...]:
        """The overrides that all trials share."""
        return tuple(entry for entry in self.entries if isinstance(entry, str))

    def overrides(self, values: Mapping[str, Value]) -> tuple[str, ...]:
        """Return the overrides of one trial.

        Args:
            values: The value of each dimension, by its key.
        """
        return tuple(
            entry if isinstance(entry, str) else f"{entry.key}={entry.text(values[entry.key])}"
            for entry in self.entries
        )

    def probes(self) -> Iterator[tuple[str, ...]]:
        """Yield overrides in which every choice appears once, to see whether they compose."""
        first = {one.key: _first(one) for one in self.parameters}
        yield self.overrides(first)
        for parameter in self.parameters:
            if isinstance(parameter, Choice):
                for value in parameter.values[1:]:
                    yield self.overrides({**first, parameter.key: value})

    def points(self) -> Iterator[dict[str, Value]]:
        """Yield every point of the grid, in the order of Hydra's basic sweeper.

        Raises:
            ConfigError: Where a dimension has no end of values.
        """
        keys = [parameter.key for parameter in self.parameters]
        for values in product(*self._columns()):
            yield dict(zip(keys, values, strict=True))

    def size(self) -> int:
        """Return how many points the grid has.

        Raises:
            ConfigError: Where a dimension has no end of values.
        """
        return math.prod(len(column) for column in self._columns())

    def _columns(self) -> list[tuple[Value, ...]]:
        columns = [parameter.points() for parameter in self.parameters]
        remedy = "Write range(start, stop, step) or choice(a, b), or take another sampler."
        endless = [
            Fault(one.key, one, "a grid needs single values", remedy)
            for one in self.parameters
            if one.points() is None
        ]
        if endless:
            raise ConfigError(endless)
        return [column or () for column in columns]


def _first(parameter: Parameter) -> Value:
    if isinstance(parameter, Interval):
        return parameter.low
    return parameter.points()[0]


def space_of(overrides: Sequence[Override]) -> Space:
    """Return what a command line asks to be searched.

    Args:
        overrides: Parsed overrides; of several with the same key the last one counts.

    Raises:
        ConfigError: With a fault for every dimension that cannot be searched.
    """
    last = {override.get_key_element(): override for override in overrides}
    entries: list[Parameter | str] = []
    faults = []
    for override in last.values():
        if not override.is_sweep_override():
            entries.append(str(override.input_line))
            continue
        found = parameter_of(override)
        if isinstance(found, Fault):
            faults.append(found)
        else:
            entries.append(found)
    if not faults and all(isinstance(entry, str) for entry in entries):
        remedy = "Write key=a,b or key=interval(low, high) or 'key=tag(log, interval(low, high))'."
        faults.append(Fault("hydra/sweeper", "optuna", "no override has several values", remedy))
    if faults:
        raise ConfigError(faults)
    return Space(tuple(entries))
