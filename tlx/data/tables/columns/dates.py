"""Text as dates: days since 1970-01-01."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlx.data.tables.files.dialect import Dialect

DAY_S = 86400.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")


def days_of(text: str, dialect: Dialect) -> float | None:
    """Return the days from 1970-01-01 to a date, or None where a cell says none.

    A time of day is a part of a day. A time zone is brought to UTC; without one it is UTC.

    Args:
        text: The cell, in ISO 8601 (`2026-01-31`, `2026-01-31 12:00`) or as the dialect says.
        dialect: May name another format.
    """
    text = text.strip()
    try:
        if dialect.date_format is not None:
            found = datetime.strptime(text, dialect.date_format)
        elif not _ISO.fullmatch(text):  # Python takes 20260131 for a date, and weeks
            return None
        else:
            found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return (found - EPOCH).total_seconds() / DAY_S
