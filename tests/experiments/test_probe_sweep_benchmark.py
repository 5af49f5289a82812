"""The probe sweep: its grid, its table, and the plain script's side in a tiny size."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from experiments.benchmarks.made_up.weights import write_weights
from experiments.benchmarks.probe_sweep.__main__ import table
from experiments.benchmarks.probe_sweep.field import NODE
from experiments.benchmarks.probe_sweep.grid import (
    JOBS,
    TLX_NAMES,
    VALUES,
    grid,
    sweep_overrides,
)
from experiments.benchmarks.probe_sweep.sweeps import run_field
from experiments.benchmarks.single_run.tlx_side import overrides_of
from experiments.benchmarks.single_run.workload import Workload
from tlx.config.builders import plain
from tlx.config.composition import compose_config
from tlx.head_banks.membership import plan_banks


def test_grid_of_fewer_jobs_is_part_of_the_whole() -> None:
    assert JOBS == 64
    assert grid() == {name: list(values) for name, values in VALUES.items()}
    for jobs in (32, 16, 8, 1):
        part = set(product(*grid(jobs).values()))
        assert len(part) == jobs
        assert part <= set(product(*VALUES.values()))
    with pytest.raises(ValueError, match="24 is none of 64, 32, 16"):
        grid(24)


def test_sweep_overrides_name_every_option_of_both_sides() -> None:
    assert sweep_overrides({"learning_rate": [0.1, 1.0]}, TLX_NAMES) == ["optimizer.lr=0.1,1.0"]
    assert set(VALUES) <= set(NODE["work"])
    assert set(VALUES) == set(TLX_NAMES)


def test_all_configurations_of_the_grid_are_one_bank(tmp_path: Path) -> None:
    weights = write_weights("resnet18", tmp_path / "resnet18.pth")
    fixed = overrides_of(Workload(weights=str(weights), folder=str(tmp_path)))
    ends = [dict(zip(VALUES, job, strict=True)) for job in list(product(*grid().values()))[::21]]
    jobs = [[f"{TLX_NAMES[name]}={value}" for name, value in job.items()] for job in ends]
    banks = plan_banks([plain(compose_config([*fixed, *job])) for job in jobs])
    assert [len(bank) for bank in banks] == [len(jobs)] == [4]


def test_table_extrapolates_in_so_many_words() -> None:
    frame = pd.DataFrame(
        [
            {"side": "tlx", "jobs_run": 64, "wall_s": 20.0, "all_jobs_s": 20.0},
            {"side": "joblib", "jobs_run": 16, "wall_s": 400.0, "all_jobs_s": 1600.0},
        ]
    ).assign(best_accuracy=1.0)
    tlx, joblib = table(frame).splitlines()[2:]
    assert [cell.strip() for cell in tlx.split("|")[2:6]] == ["64 of 64", "20.0", "20.0", "1.0"]
    cells = [cell.strip() for cell in joblib.split("|")[2:6]]
    assert cells == ["16 of 64", "400.0", "1600 (extrapolated)", "80.0"]


def test_plain_script_of_a_tiny_size_extrapolates_by_its_jobs_own_seconds(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    weights = write_weights("resnet18", tmp_path / "resnet18.pth")
    work = Workload(20, 10, 10, epochs=1, image_size=32, threads=1, weights=str(weights))
    sweep = run_field(work, 1, 1, tmp_path / "joblib")
    assert sweep.jobs_run == 1
    assert 0 < (sweep.all_jobs_s - sweep.wall_s) / (JOBS - 1) < sweep.wall_s
