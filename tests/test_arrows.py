"""Imports run down the order of rooms that `docs/design.md` states, and never in circles."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path

from tests.arrows import Arrow, arrows, circles, modules, room_of, stated_order


@cache
def all_arrows() -> tuple[Arrow, ...]:
    return tuple(arrows(modules()))


def edges_of(found: tuple[Arrow, ...]) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = defaultdict(set)
    for arrow in found:
        edges[arrow.source].add(arrow.target)
    return edges


def test_arrows_between_files_form_no_circle() -> None:
    found = circles(edges_of(all_arrows()))
    members = {member for group in found for member in group}
    told = [str(a) for a in all_arrows() if {a.source, a.target} <= members]
    assert found == [], "\n".join(told)


def test_arrows_between_rooms_run_down_the_stated_order() -> None:
    depth = {room: number for number, room in enumerate(stated_order())}
    between = [a for a in all_arrows() if room_of(a.source) != room_of(a.target)]
    upward = [str(a) for a in between if depth[room_of(a.target)] < depth[room_of(a.source)]]
    assert upward == [], "\n".join(upward)


def test_stated_order_names_every_room_once() -> None:
    rooms = {room_of(module) for module in modules() if module != "tlx"}
    assert sorted(stated_order()) == sorted(rooms)


def test_only_the_stated_rooms_know_hydra_and_omegaconf() -> None:
    knowing = set()
    for module, path in modules().items():
        text = path.read_text(encoding="utf-8")
        if any(f"{verb} {name}" in text for verb in ("import", "from") for name in HYDRA):
            knowing.add(room_of(module))
    assert knowing == {"commands", "comparisons", "config", "search", "spark"}


HYDRA = ("hydra", "omegaconf")


def test_arrows_see_lazy_imports_types_and_names_in_strings(tmp_path: Path) -> None:
    files = {
        "tlx.a": "if TYPE_CHECKING:\n    from tlx.b import B\n",
        "tlx.b": "def f():\n    from tlx import c\n",
        "tlx.c": 'HOOKS = "tlx.a"\nWORDS = "see tlx.b"\n',
    }
    written = {}
    for name, text in files.items():
        written[name] = tmp_path / f"{name}.py"
        written[name].write_text(text)
    found = arrows(written)
    assert found == [
        Arrow("tlx.a", "tlx.b", 2), Arrow("tlx.b", "tlx.c", 2), Arrow("tlx.c", "tlx.a", 1),
    ]  # fmt: skip
    assert circles(edges_of(tuple(found))) == [["tlx.a", "tlx.b", "tlx.c"]]
