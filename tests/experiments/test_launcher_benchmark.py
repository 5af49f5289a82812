"""The launcher benchmark: its figures, and a sweep of Hydra's basic launcher."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import pandas as pd
import pytest

from experiments.benchmarks.launchers.contestants import CONTESTANTS, Contestant
from experiments.benchmarks.launchers.jobs import train
from experiments.benchmarks.launchers.measures import by_part, measures
from experiments.benchmarks.launchers.memory import java_of, resident_mb
from experiments.benchmarks.launchers.report import empty_table, training_table
from experiments.benchmarks.launchers.sweeps import Sweep, run_sweep


def made_up(job_s: float = 2.0) -> Sweep:
    """Four jobs on two slots: Spark is up after 5 s, each job takes half a second more."""
    entered = [105.0, 105.0, 107.5, 107.5]
    times = pd.DataFrame({"entered": entered, "ended": [one + 2.5 for one in entered]})
    samples = {"time": [104.0, 107.4, 111.0], "driver_mb": [1.0, 2.0, 3.0], "java_mb": [4, 5, 6]}
    return Sweep(4, 2, 100.0, 10.0, 0, times.assign(job_s=job_s), pd.DataFrame(samples))


def test_measures_of_four_jobs_on_two_slots_match_the_arithmetic() -> None:
    told = measures(made_up())
    assert told["completed"] == 4
    assert told["start_s"] == pytest.approx(5.0)
    assert told["efficiency"] == pytest.approx(8 / 20)
    assert told["warm_efficiency"] == pytest.approx(8 / 10)
    assert told["overhead_per_job_s"] == pytest.approx(6 / 4)
    assert told["warm_overhead_per_job_s"] == pytest.approx(1 / 4)


def test_measures_without_any_ended_job_tell_that_none_ended() -> None:
    sweep = made_up()
    sweep.times = sweep.times.iloc[:0]
    assert measures(sweep) == {"completed": 0, "wall_s": 10.0}


def test_by_part_tells_time_and_memory_at_the_end_of_each_part() -> None:
    parts = by_part(made_up(), part=2)
    assert parts["jobs"].to_list() == [2, 4]
    assert parts["seconds_per_job"].to_list() == pytest.approx([1.25, 1.25])
    assert parts["driver_mb"].to_list() == [2.0, 2.0]


def test_tables_give_ratios_above_one_where_tlx_is_ahead() -> None:
    rows = []
    for launcher, start_s in (("hydra joblib", 1.0), ("tlx spark", 0.0)):
        for load, job_s in (("empty", 0.0), ("training", 2.0)):
            sweep = made_up(job_s)
            sweep.wall_s = 8.0 + start_s
            rows.append({"launcher": launcher, "load": load, "jobs": 5} | measures(sweep))
    frame = pd.DataFrame(rows)
    joblib = training_table(frame).splitlines()[2].split("|")
    assert joblib[2].strip() == "4 of 5"
    assert joblib[6].strip() == f"{8 / 18:.1%}"
    assert joblib[8].strip() == f"{9 / 8:.2f}"
    assert empty_table(frame).splitlines()[2].split("|")[7].strip() == f"{9 / 8:.2f}"


def test_basic_launcher_sweep_is_timed_from_its_jobs_own_times(tmp_path: Path) -> None:
    launcher = CONTESTANTS["hydra basic"].overrides(2, [])
    sweep = run_sweep(launcher, 3, 0, 2, tmp_path / "sweep")
    assert sweep.exit_status == 0
    assert len(sweep.times) == 3
    assert 0 < measures(sweep)["start_s"] < sweep.wall_s


def test_training_twice_does_the_same_work() -> None:
    assert train(3)[0] == train(3)[0] != train(4)[0]


def test_resident_memory_of_this_process_grows_with_what_it_holds() -> None:
    before = resident_mb(os.getpid())
    with mmap.mmap(-1, 50_000_000) as held:  # fresh pages, which a heap might have left over
        held.write(b"x" * 50_000_000)
        assert resident_mb(os.getpid()) - before > 40
    assert java_of(os.getpid()) is None


def test_launcher_without_its_package_is_not_installed() -> None:
    assert CONTESTANTS["tlx spark"].is_installed()
    assert not Contestant("no-such-launcher", lambda slots, modules: []).is_installed()
