"""`zip(optimizer.lr=[1e-3,1e-2],trainer.epochs=[20,10])`: values that go together, as one word.

Hydra's grammar has no such word. It is put down as what Hydra can read: an ordinary sweep of each
key, and `hydra.sweeper.pairs`, which says which of them go together. So all that is checked,
redacted, recorded and resumed of an ordinary sweep is so of this one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from tlx.config.pairing.part import EXAMPLE, sweep_of
from tlx.config.pairing.pieces import pieces
from tlx.config.typed.quoting import in_quotes
from tlx.errors import ConfigError, Fault
from tlx.texts.redaction import MARK, redact_argument

PAIRS: Final = "hydra.sweeper.pairs"
_OPENING: Final = "zip("
_WORDS_OF_A_LINE: Final = re.compile(r"""(?<=\s)(?:'zip\([^']*'|"zip\([^"]*"|zip\(\S*)(?=\s)""")


class Unzipped(NamedTuple):
    """A command line without those `zip(...)` that can be read.

    Args:
        words: It, with a sweep of each key in the place of each `zip(...)`; those that cannot be
            read stay as they are.
        faults: What is wrong with these.
    """

    words: list[str]
    faults: list[Fault]


def unzipped(words: Sequence[str]) -> Unzipped:
    """Return a command line whose `zip(...)` are written as Hydra reads them.

    Args:
        words: Overrides and flags, as typed.
    """
    plain: list[str] = []
    faults: list[Fault] = []
    groups: list[str] = []
    given = [word for word in words if word.partition("=")[0] == PAIRS]
    for word in words:
        if not is_zip(word):
            plain.append(word)
            continue
        found = _given_twice(given[0]) if given else _unzipped(word)
        if isinstance(found, Fault):
            faults.append(found)
            plain.append(word)
        else:
            plain += [sweep for _, sweep in found]
            groups.append("[" + ",".join(_name(key) for key, _ in found) + "]")
    if groups:
        plain.insert(_after_last(plain), f"{PAIRS}=[{','.join(groups)}]")
    return Unzipped(plain, faults)


def is_zip(word: str) -> bool:
    """Return whether a word of the command line pairs values."""
    return word.lstrip().startswith(_OPENING)


def refuse_unreadable(words: Sequence[str]) -> None:
    """Refuse a command line with a `zip(...)` that cannot be read.

    Raises:
        ConfigError: With a fault for each.
    """
    faults = unzipped(words).faults
    if faults:
        raise ConfigError(faults)


def without_zips(line: str) -> str:
    """Return a line that a shell wants completed, without the `zip(...)` before its last word.

    Hydra reads that line by itself and could not read them.
    """
    return _WORDS_OF_A_LINE.sub("", line)


def shown_zip(sweeps: Sequence[str]) -> tuple[str, str]:
    """Return a `zip(...)` as it is shown in a fault: what is before its first `=`, and the rest.

    Args:
        sweeps: The sweep of each key, as Hydra reads it; secrets are left out here.
    """
    shown = []
    for sweep in sweeps:
        key, _, text = sweep.partition("=")
        value = text if re.match(r"\w+\(.*\)$", text) else f"[{text}]"
        shown.append(redact_argument(f"{key}={value}"))
    return _halves(f"{_OPENING}{','.join(shown)})")


def _unzipped(word: str) -> list[tuple[str, str]] | Fault:
    """Return each key with its sweep, or what is wrong with the word."""
    inner = word.strip().removeprefix(_OPENING)
    parts = pieces(inner[:-1]) if inner.endswith(")") else None
    if parts is None:
        shown = word.strip() if redact_argument(word) == word else f"{_OPENING}{MARK}"
        reason = "a bracket or a quote in it is not closed"
        return Fault(*_halves(shown), reason, f"Write {EXAMPLE}.")
    if parts == [""]:
        return Fault("zip", "()", "it names no key", f"Write {EXAMPLE}.")
    found = [sweep_of(part) for part in parts]
    faults = [one for one in found if isinstance(one, Fault)]
    return faults[0] if faults else [one for one in found if not isinstance(one, Fault)]


def _halves(word: str) -> tuple[str, str]:
    key, _, value = word.partition("=")
    return key, value


def _given_twice(given: str) -> Fault:
    reason = "it says what goes together, and so does zip(...)"
    return Fault(PAIRS, given.partition("=")[2], reason, "Give one of the two.")


def _name(key: str) -> str:
    name = key.lstrip("+")
    return name if re.fullmatch(r"[A-Za-z_][\w./]*", name) else in_quotes(name)


def _after_last(words: Sequence[str]) -> int:
    return max((i + 1 for i, word in enumerate(words) if not word.startswith("-")), default=0)
