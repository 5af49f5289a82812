"""The arrows between the files of tlx, read from their text: every import, and names in strings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = "commands"
"""The room of the modules that stand in `tlx/` itself and are run: nothing imports them."""


@dataclass(frozen=True)
class Arrow:
    """One import.

    Args:
        source: The module that imports (`tlx.training.fit`).
        target: The module that is imported.
        line: Where, in the source's file.
    """

    source: str
    target: str
    line: int

    def __str__(self) -> str:
        """Return it as a line that an editor finds."""
        return f"{file_of(self.source)}:{self.line} imports {self.target}"


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return the files of tlx by the names of their modules."""
    found = {}
    for path in sorted((root / "tlx").rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def file_of(module: str) -> str:
    """Return the file of a module, relative to the project."""
    return str(modules()[module].relative_to(ROOT))


def arrows(files: Mapping[str, Path]) -> list[Arrow]:
    """Return every arrow between files: lazy imports, those for types, and names in strings."""
    found = []
    for source, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            found += [
                Arrow(source, target, getattr(node, "lineno", 0))
                for target in _targets(node, files)
                if target not in ("tlx", source)
            ]
    return found


def _targets(node: ast.AST, files: Mapping[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "tlx imports by whole names"
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            yield from [name for name in (whole, str(node.module)) if name in files][:1]
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in files)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        named = re.fullmatch(r"(\w+(?:\.\w+)+)(?::\w+)?", node.value)
        yield from [named[1]] if named and named[1] in files else []


def room_of(module: str) -> str:
    """Return the room of a module: its folder in `tlx/`, or what it is by itself there."""
    parts = module.split(".")
    if len(parts) > 2:
        return parts[1]
    path = modules()[module]
    if path.name == "__init__.py":
        return parts[1]
    return COMMANDS if "\ndef main(" in path.read_text(encoding="utf-8") else parts[1]


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the groups that reach each other, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in index:
                visit(other)
            if other in stack:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found


def stated_order() -> list[str]:
    """Return the rooms in the order of `docs/design.md`, the topmost first."""
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    table = text.partition("## Rooms")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| ([^|]+) \|", table, re.M)
    rooms: list[str] = []
    for cell in first_cells:
        rooms += re.findall(r"`tlx/([a-z_]+)(?:/|\.py)`", cell)
        rooms += [COMMANDS] if cell.strip() == COMMANDS else []
    return rooms
