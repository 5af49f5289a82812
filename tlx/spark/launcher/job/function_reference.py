"""Name a job's function so that another process can find it."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FunctionReference:
    """Where a function stands.

    Args:
        module: The name to import it by.
        file: The file to import it from, where it belongs to a script.
        qualified_name: Its name in the module.
        wrappers: How many decorators stand around it there.
    """

    module: str
    file: str | None
    qualified_name: str
    wrappers: int

    def load(self) -> Callable[..., Any]:
        """Import the module and return the function."""
        module = _import(self.module, self.file)
        found: Any = reduce(getattr, self.qualified_name.split("."), module)
        for _ in range(self.wrappers):
            found = found.__wrapped__
        return found  # type: ignore[no-any-return]


def reference(function: Callable[..., Any]) -> FunctionReference | None:
    """Return how to find a function again, or None where it can only be sent by value.

    A function of `__main__` is named by the module that runs (`python -m tlx.train`) or by its
    script; one of a notebook, a closure or a callable object has no such name.
    """
    name = getattr(function, "__qualname__", None)
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    if not inspect.isfunction(function) or name is None or module is None or "<" in name:
        return None
    wrappers = _wrappers(module, name, function)
    if wrappers is None:
        return None
    if module.__name__ != "__main__":
        return FunctionReference(module.__name__, None, name, wrappers)
    spec = getattr(module, "__spec__", None)
    if spec is not None:
        return FunctionReference(spec.name, None, name, wrappers)
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).is_file():
        return None
    path = Path(file).absolute()
    return FunctionReference(path.stem, str(path), name, wrappers)


def script_fingerprint(function: Callable[..., Any]) -> str | None:
    """Return the SHA-256 of the script a function stands in, or None for one of a module.

    A script is no version of anything: what it computed before a change is not known to be what
    it computes now.
    """
    found = reference(function)
    if found is None or found.file is None:
        return None
    return hashlib.sha256(Path(found.file).read_bytes()).hexdigest()


def _wrappers(module: Any, name: str, function: Callable[..., Any]) -> int | None:
    """Return how deep a function lies below what its module calls by its name."""
    try:
        found: Any = reduce(getattr, name.split("."), module)
    except AttributeError:
        return None
    for depth in range(10):
        if found is function:
            return depth
        found = getattr(found, "__wrapped__", None)
    return None


def _import(name: str, file: str | None) -> Any:
    if file is None:
        return importlib.import_module(name)
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == file:
        return known
    folder = str(Path(file).parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as Python does for a script
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be imported as {name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
