"""Try imports in another process, which may crash without harm."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

TIMEOUT_S: Final = 300

_PROBE = """
import importlib, json, sys
for name in sys.argv[1:]:
    about = {"module": name, "error": None}
    try:
        module = importlib.import_module(name)
        if name == "torch":
            cuda = module.cuda.is_available()
            about["devices"] = ["cuda"] * cuda + ["mps"] * module.backends.mps.is_available()
            about["device_name"] = module.cuda.get_device_name() if cuda else ""
            about["threads"] = module.get_num_threads()
    except BaseException as error:
        last = (str(error).strip().splitlines() or [""])[-1]
        about["error"] = f"{type(error).__name__}: {last}"
    print("\\n" + json.dumps(about), flush=True)
"""


@dataclass(frozen=True)
class Imported:
    """How an import went.

    Args:
        module: What was imported.
        error: Why it failed; None where it did not.
        details: What torch tells of itself: `devices`, `device_name`, `threads`.
    """

    module: str
    error: str | None
    details: dict[str, Any] = field(default_factory=dict)


def try_imports(modules: Sequence[str]) -> dict[str, Imported]:
    """Import modules one after the other, and say of each how it went.

    A module that takes the process with it is named, and the next one gets a new process.

    Args:
        modules: Names to import, in this order.
    """
    results: dict[str, Imported] = {}
    remaining = list(modules)
    while remaining:
        found, ended = _probe(remaining)
        results |= found
        remaining = [name for name in remaining if name not in found]
        if remaining:
            crashed = remaining.pop(0)
            results[crashed] = Imported(crashed, f"the import {ended}")
    return results


def _probe(modules: Sequence[str]) -> tuple[dict[str, Imported], str]:
    """Return the imports that came to an end, and how the process ended."""
    command = [sys.executable, "-c", _PROBE, *modules]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""
        text = said.decode(errors="replace") if isinstance(said, bytes) else said
        return _parsed(text), f"took more than {TIMEOUT_S} s"
    return _parsed(done.stdout), f"ended its process with status {done.returncode}"


def _parsed(text: str) -> dict[str, Imported]:
    found = {}
    for line in text.splitlines():
        try:
            about = json.loads(line)
        except ValueError:  # what a package prints while it is imported
            continue
        if isinstance(about, dict) and "module" in about:
            name, error = about.pop("module"), about.pop("error")
            found[name] = Imported(name, error, about)
    return found
