"""What a job's return says of the objectives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn, JobStatus

from tlx.errors import TlxError


class ObjectiveError(TlxError):
    """A job returned something that is not the number, or numbers, to optimise."""


def objective_values(returned: JobReturn, count: int) -> list[float]:
    """Return the value of each objective.

    Args:
        returned: What the launcher returned of a job.
        count: How many objectives there are.

    Raises:
        ObjectiveError: Where the job returned something else.
        Exception: The one that ended the job.
    """
    value = returned._return_value
    if returned.status != JobStatus.COMPLETED:
        raise value if isinstance(value, Exception) else ObjectiveError(f"the job ended by {value}")
    several = isinstance(value, Sequence) and not isinstance(value, str)
    found = list(value) if several else [value]
    if len(found) != count:
        words = "one number is" if count == 1 else f"a list of {count} numbers is"
        raise ObjectiveError(f"the job returned {value!r}: {words} needed")
    return [_number(one, value) for one in found]


def _number(one: Any, value: Any) -> float:
    try:
        number = math.nan if isinstance(one, str) else float(one)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise ObjectiveError(f"the job returned {value!r}: a number is needed")
    return number
