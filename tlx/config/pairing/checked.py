"""Check what was asked to go together, before any work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from hydra.core.override_parser.types import Override

from tlx.config.pairing.dimensions import Pairs, Texts, key_of, pairing_faults, pairs_of
from tlx.config.pairing.zip_word import PAIRS, shown_zip
from tlx.errors import Fault

SWEEPER: Final = "hydra/sweeper"
OWN: Final = "tlx"


class CheckedPairs(NamedTuple):
    """A command line and the keys of it that go together.

    Args:
        overrides: It, without what only says which keys go together.
        pairs: The keys that can be paired as asked; others are left to be checked one by one.
        faults: What is wrong with the others.
    """

    overrides: list[Override]
    pairs: Pairs
    faults: list[Fault]


def checked_pairs(overrides: Sequence[Override], texts: Texts, *, multirun: bool) -> CheckedPairs:
    """Return which keys of a command line go together, and a fault for each pair that cannot.

    Args:
        overrides: What was typed, without `zip(...)`.
        texts: What jobs are asked by an override.
        multirun: Whether a sweep is asked for.
    """
    typed = {key_of(override) for override in overrides}
    # Keys that a configuration's own sweep has are not typed; the sweeper sees to them.
    asked = [[key for key in keys if key in typed] for keys in pairs_of(overrides)]
    if not any(asked):
        return CheckedPairs(list(overrides), (), [])
    rest = [override for override in overrides if override.key_or_group != PAIRS]
    if not multirun:
        paired = {key for keys in asked for key in keys}
        single = [override for override in rest if key_of(override) not in paired]
        return CheckedPairs(single, (), [_needs_a_sweep(shown) for shown in _shown(rest, asked)])
    found = list(pairing_faults(rest, asked, texts))
    wrong = {number for number, _ in found}
    sound = [keys for number, keys in enumerate(asked) if number not in wrong]
    faults = [*(fault for _, fault in found), *_sweeper_faults(rest)]
    return CheckedPairs(rest, sound, faults)


def _needs_a_sweep(shown: tuple[str, str]) -> Fault:
    remedy = "Add -m to run each of them, or give each key one value."
    return Fault(*shown, "several values need a sweep", remedy)


def _shown(overrides: Sequence[Override], pairs: Pairs) -> Iterator[tuple[str, str]]:
    lines = {key_of(override): str(override.input_line) for override in overrides}
    yield from (shown_zip([lines[key] for key in keys]) for keys in pairs if keys)


def _sweeper_faults(overrides: Sequence[Override]) -> Iterator[Fault]:
    """Yield a fault where another sweeper is asked for: it would make other jobs of the words."""
    chosen = [override.value() for override in overrides if override.key_or_group == SWEEPER]
    if chosen and chosen[-1] != OWN:
        reason = "this sweeper gives each key its values by itself, so it takes no zip(...)"
        remedy = f"Leave {SWEEPER}={chosen[-1]} out, or give each key its values without zip."
        yield Fault(SWEEPER, chosen[-1], reason, remedy)
