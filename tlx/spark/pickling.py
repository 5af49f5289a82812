"""Pickles that are tried before they are trusted, and words for what cannot be pickled."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

from tlx.spark.errors import RemoteJobError
from tlx.texts.bounded import TRACEBACK_CHARACTERS, error_text


def dumps(value: Any) -> bytes:
    """Pickle a value; functions and classes that cannot be imported go by value."""
    import cloudpickle

    return cloudpickle.dumps(value)  # type: ignore[no-any-return]


def loads(content: bytes) -> Any:
    """Read a pickle that this program or its own workers wrote."""
    return pickle.loads(content)


def survives(value: Any) -> bytes | None:
    """Return the pickle of a value that comes out of it again as the same type, or None."""
    try:
        content = dumps(value)
        return content if type(loads(content)) is type(value) else None
    except Exception:
        return None


def pickled_exception(error: BaseException) -> bytes | None:
    """Return the pickle of an exception that can be read again with the same words, or None.

    A class whose `__init__` takes other arguments than it gives to `Exception` can be pickled,
    but not read: that is found here, in the process that has the class.
    """
    try:
        content = dumps(error)
        back = loads(content)
        same = type(back) is type(error) and str(back) == str(error)
        same = same and len(content) <= TRACEBACK_CHARACTERS  # its words stand in its record
    except Exception:
        return None
    return content if same and isinstance(error, Exception) else None


def named(error: BaseException) -> str:
    """Return `module.Type: message`, without secrets, of bounded size."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else _full_name(kind)
    text = error_text(error)
    return f"{name}: {text}" if text else name


def unpicklable_part(function: Callable[..., Any]) -> str | None:
    """Return the name of a global or closure variable that keeps a function from being pickled.

    Args:
        function: A function or a callable object that cannot be pickled by value.

    Returns:
        A dotted path of names (`helper.connection`), or None where no single one is at fault.
    """
    return _search(function, set(), 5)


def refuse_unpicklable(function: Callable[..., Any], error: Exception) -> RemoteJobError:
    """Return the error for a job's function that cannot be sent to a worker."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    part = unpicklable_part(function)
    culprit = f"its variable {part!r} cannot be pickled" if part else "it cannot be pickled"
    return RemoteJobError(
        f"The job's function {name} is sent to the workers by value, but {culprit} "
        f"({named(error)}). Define it at the top level of a module or script, or make that "
        "variable inside the function."
    )


def _search(function: Any, seen: set[int], depth: int) -> str | None:
    if depth == 0 or id(function) in seen:
        return None
    seen.add(id(function))
    for name, value in _variables(function).items():
        try:
            dumps(value)
        except Exception:
            inner = _search(value, seen, depth - 1)
            return f"{name}.{inner}" if inner else name
    return None


def _variables(function: Any) -> dict[str, Any]:
    if inspect.isfunction(function):
        found = inspect.getclosurevars(function)
        return {**found.nonlocals, **found.globals}
    return dict(getattr(function, "__dict__", {}))


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
