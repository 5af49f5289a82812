"""Cold start and growth: tiny versions of their commands, their tables, their memory probe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

from experiments.benchmarks.cold_start.__main__ import main as cold_start
from experiments.benchmarks.cold_start.__main__ import table as start_table
from experiments.benchmarks.cold_start.commands import IMPORTS, seconds_of
from experiments.benchmarks.growth.__main__ import main as growth
from experiments.benchmarks.growth.__main__ import table as growth_table
from experiments.benchmarks.growth.memory import descendants, tree_mb
from experiments.benchmarks.growth.points import points


def test_cold_start_of_two_commands_records_each_run(tmp_path: Path) -> None:
    record = tmp_path / "results.csv"
    names = ["tlx.train --help", "tlx.train --cfg job"]
    cold_start(["--repeats", "1", "--record", str(record), "--commands", *names])
    recorded = pd.read_csv(record)
    assert recorded["command"].to_list() == names
    assert recorded["repeat"].to_list() == [0, 0]
    assert (recorded["wall_s"] > 0).all()


def test_seconds_of_the_first_step_are_those_of_a_run_that_ends_there(tmp_path: Path) -> None:
    wall_s, cpu_s = seconds_of("first step, filled store", tmp_path, threads=1)
    assert cpu_s > 0
    assert wall_s > 0
    (result,) = tmp_path.rglob("result.json")
    told = json.loads(result.read_text())
    assert (told["status"], told["epochs"]) == ("running", 0)
    assert list((tmp_path / "activations").iterdir())


def test_cold_start_table_takes_medians_and_what_is_beyond_the_imports() -> None:
    walls = {IMPORTS: [3.0, 9.0, 3.0], "tlx.train --help": [1.0, 0.5, 0.6]}
    rows = [{"command": c, "wall_s": w, "cpu_s": 1.0} for c, ws in walls.items() for w in ws]
    imports, shown = start_table(pd.DataFrame(rows)).splitlines()[2:]
    assert [cell.strip() for cell in imports.split("|")[2:4]] == ["3.00", "3.00 to 9.00"]
    assert [cell.strip() for cell in shown.split("|")[2:6]] == [
        *("0.60", "0.50 to 1.00", "1.00", "-2.40"),
    ]


def test_growth_of_a_tiny_size_records_time_memory_and_a_picture(tmp_path: Path) -> None:
    record = tmp_path / "results.csv"
    sizes = ["--images", "40", "--epochs", "1", "--jobs", "2", "--slots", "1", "--largest", "1"]
    growth([*sizes, "--kinds", "jobs in a bank", "--record", str(record)])
    recorded = pd.read_csv(record)
    assert recorded["kind"].to_list() == ["jobs in a bank"]
    assert 0 < recorded["seconds"][0] < recorded["process_s"][0]
    assert recorded["peak_mb"][0] > 200
    assert (tmp_path / "growth.png").stat().st_size < 200_000


def test_growth_points_grow_one_thing_at_a_time() -> None:
    found = points(images=100, epochs=2, jobs=4)
    assert len(found) == 4 + 4 + 5 + 5
    for point in found:
        assert point.images == 100 * (point.factor if point.kind == "images" else 1)
        assert point.epochs == 2 * (point.factor if point.kind == "epochs" else 1)
        if point.jobs > 1:
            rates, decays = point.swept.values()
            assert len(set(rates)) * len(set(decays)) == point.jobs == 4 * point.factor


def test_growth_table_compares_each_with_the_smallest_of_its_kind() -> None:
    frame = pd.DataFrame(
        {
            "kind": ["images", "images"], "size": [100, 200], "factor": [1, 2],
            "seconds": [4.0, 6.0], "peak_mb": [500.0, 550.0],
        }
    )  # fmt: skip
    larger = [cell.strip() for cell in growth_table(frame).splitlines()[3].split("|")[1:-1]]
    assert larger == ["images", "200", "2", "6.0", "1.50", "550", "1.10"]


def test_memory_of_a_tree_counts_the_pages_of_its_children() -> None:
    code = "import mmap; m = mmap.mmap(-1, 50_000_000); m.write(b'x' * len(m)); print(); input()"
    before = tree_mb(os.getpid())
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert descendants(os.getpid()) == [child.pid]
        assert tree_mb(child.pid) > 50
        assert tree_mb(os.getpid()) - before > 40
        child.communicate(b"\n")
