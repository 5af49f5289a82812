"""Options as they are typed: what an error message advises can be copied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.%/+-]*( [A-Za-z0-9_.%/+-]+)*|[?%*-]")
_WORDS: Final = frozenset(("null", "true", "false", "nan", "inf", "none"))


def assignment(option: str, values: Sequence[str]) -> str:
    """Return a list option as a shell and Hydra take it, quoted where they would read otherwise.

    Args:
        option: Such as `data.numeric`.
        values: The list.
    """
    texts = [_quoted(value) for value in dict.fromkeys(values)]
    written = f"{option}=[{','.join(texts)}]"
    bare = re.fullmatch(r"[A-Za-z0-9_.=\[\],%/+-]+", written)
    if bare:
        return written
    return '"' + re.sub(r'([\\"$`])', r"\\\1", written) + '"'


def _quoted(value: str) -> str:
    if _BARE.fullmatch(value) and value.lower() not in _WORDS:
        return value
    inner = re.sub(r"(\\+)(?='|$)", r"\1\1", value).replace("'", r"\'")
    return f"'{inner}'"
