"""Which packages tlx needs, in which versions, as its own package says."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PYPROJECT = Path(__file__).resolve().parent.parent.parent / "pyproject.toml"


def tlx_requirements() -> list[Requirement]:
    """Return what tlx needs, without its extras.

    Of a checkout its `pyproject.toml` tells, of an installed package its metadata.
    """
    from packaging.requirements import Requirement

    lines = _of_checkout().get("dependencies") or metadata.requires("tlx") or ()
    requirements = [Requirement(line) for line in lines]
    return [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]


def python_requirement() -> str:
    """Return the versions of Python that tlx runs on, such as `>=3.11`."""
    told = _of_checkout().get("requires-python")
    return str(told or metadata.metadata("tlx")["Requires-Python"])


def _of_checkout() -> dict[str, Any]:
    """Return the project's table of a checkout's `pyproject.toml`; empty where there is none."""
    if not PYPROJECT.is_file():
        return {}
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8")).get("project", {})
    return dict(project) if project.get("name") == "tlx" else {}
