"""Which jobs a sweep has: every combination of its dimensions, of which paired keys are one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from hydra.core.override_parser.types import Override

from tlx.config.pairing.zip_word import PAIRS, shown_zip
from tlx.errors import Fault

Pairs = Sequence[Sequence[str]]
"""Keys that go together, without plus signs; one sequence for each `zip(...)`."""
Texts = Callable[[Override], list[str]]
"""What jobs are asked, one after the other, by an override: `["seed=0", "seed=1"]`."""
Dimension = list[tuple[str, ...]]
"""What jobs are asked by keys that go together; mostly that is one key."""


def pairs_of(overrides: Sequence[Override]) -> Pairs:
    """Return the keys that a command line pairs.

    Args:
        overrides: What was typed, without `zip(...)`.
    """
    asked: Pairs = ()
    for override in overrides:
        if override.key_or_group == PAIRS:
            asked = read_pairs(override.value())
    return asked


def read_pairs(value: Any) -> Pairs:
    """Return the value of `hydra.sweeper.pairs`; what is no list of lists pairs nothing."""
    lists = value if isinstance(value, list) else []
    return tuple(tuple(map(str, keys)) for keys in lists if isinstance(keys, list))


def key_of(override: Override) -> str:
    """Return the key of an override as `hydra.sweeper.pairs` names it."""
    return str(override.get_key_element()).lstrip("+")


def dimensions(overrides: Sequence[Override], pairs: Pairs, texts: Texts) -> list[Dimension]:
    """Return the dimensions of a sweep, in the order in which they were typed.

    Args:
        overrides: What was typed; of several with the same key the last one counts, in the place
            of the first.
        pairs: Keys that go together, each with as many values; they stand where the first does.
        texts: What jobs are asked by an override.
    """
    last = {str(override.get_key_element()): override for override in overrides}
    together = {key: tuple(keys) for keys in pairs for key in keys}
    columns: dict[str | tuple[str, ...], list[list[str]]] = {}
    for key, override in last.items():
        columns.setdefault(together.get(key_of(override), key), []).append(texts(override))
    return [list(zip(*column, strict=True)) for column in columns.values()]


def combinations(found: Sequence[Dimension]) -> list[list[str]]:
    """Return what each job is asked; the last dimension changes first, as in Hydra's own sweeper.

    Args:
        found: The dimensions.
    """
    return [[text for texts in chosen for text in texts] for chosen in product(*found)]


def pairing_faults(
    overrides: Sequence[Override], pairs: Pairs, texts: Texts
) -> Iterator[tuple[int, Fault]]:
    """Yield what keeps keys from being paired, with the number of the pair.

    Args:
        overrides: What was typed.
        pairs: The keys to pair.
        texts: What jobs are asked by an override.
    """
    last = {key_of(override): override for override in overrides}
    times = Counter(key for keys in pairs for key in keys)
    typed = Counter(key_of(override) for override in overrides)
    for number, keys in enumerate(pairs):
        told = [one for key in dict.fromkeys(keys) for one in _objections(key, times, typed)]
        for reason, remedy in told:
            yield number, Fault("zip", f"({','.join(keys)})", reason, remedy)
        counts = {key: len(texts(last[key])) for key in keys if not told}
        if len(set(counts.values())) > 1:
            shown = shown_zip([str(last[key].input_line) for key in keys])
            yield number, Fault(*shown, _told(counts), "Give each key as many values.")


def _told(counts: Mapping[str, int]) -> str:
    """Return how many values each key has, in words: `a has 2 values and b has 3`."""
    first, *others = (f"{key} has {count}" for key, count in counts.items())
    plural = "value" if next(iter(counts.values())) == 1 else "values"
    return " and ".join([f"{first} {plural}", *others])


def _objections(
    key: str, times: Mapping[str, int], typed: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    """Yield why a key cannot be paired.

    Args:
        key: The key.
        times: How often each key is named in pairs.
        typed: How often each key was given values.
    """
    if times[key] > 1:
        yield f"{key} stands in zip(...) twice", "A key goes with one set of others."
    elif typed[key] > 1:
        yield f"{key} stands outside it too", f"Give {key} once, in the zip or outside."
    elif typed[key] == 0:
        yield f"{key} has no values", f"Give {key}=VALUES, or leave it out."
