"""Whole searches whose trials have several seeds."""

from __future__ import annotations

import statistics
import threading
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig

from tests.search import search_jobs
from tests.search.conftest import Search
from tests.search.search_jobs import hill
from tests.search.test_asynchronous import SPARK, interrupt_once_running, records
from tests.search.test_sweeper import asked, results, trials
from tlx.errors import ConfigError
from tlx.search.journal import opened_storage
from tlx.search.progress import SearchError

GRID = ("x=1,2,3", "hydra.sweeper.sampler=grid", "hydra.sweeper.seeds=[0,1,7]")


def noisy(cfg: DictConfig) -> float:
    return float(cfg.x + {0: 0.0, 1: 0.5, 7: 1.75}[cfg.seed])


@pytest.mark.parametrize("n_jobs", [1, 4])
def test_trial_is_the_mean_of_its_jobs_and_tells_its_spread(search: Search, n_jobs: int) -> None:
    folder = search(noisy, *GRID, f"hydra.sweeper.n_jobs={n_jobs}")
    assert asked(folder) == [[f"x={x}", f"seed={seed}"] for x in (1, 2, 3) for seed in (0, 1, 7)]
    ended = trials(folder)
    assert [one.value for one in ended] == [1.75, 2.75, 3.75]
    spread = statistics.stdev([1.0, 1.5, 2.75])
    noted = ended[0].user_attrs
    assert noted["seed_values"] == {"0": [1.0], "1": [1.5], "7": [2.75]}
    assert noted["job_numbers"] == {"0": 0, "1": 1, "7": 2}
    assert (noted["mean"], noted["spread"]) == (1.75, pytest.approx(spread))
    assert results(folder) == {
        "name": "optuna", "best_params": {"x": 3}, "best_value": 3.75, "trial": 2,
        "jobs": {"0": 6, "1": 7, "7": 8}, "mean": 3.75, "spread": pytest.approx(spread),
        "seed_values": {"0": [3.0], "1": [3.5], "7": [4.75]},
        "trials": {"completed": 3, "pruned": 0, "failed": 0, "open": 0},
    }  # fmt: skip


def test_trials_are_counted_and_not_jobs_and_the_summary_tells_the_spread(
    search: Search, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tlx")
    options = ("x=interval(-1,1)", "hydra.sweeper.n_trials=4", "hydra.sweeper.seeds=2")
    folder = search(hill, *options)
    assert [one.state.name for one in trials(folder)] == ["COMPLETE"] * 4
    assert len(asked(folder)) == 8
    told = caplog.text + capsys.readouterr().out  # Hydra sets its own handlers in between
    assert "Search: 4 trials, each the mean of 2 jobs, by tpe to maximize" in told
    best = results(folder)
    assert f"trial {best['trial']}: {best['best_value']:.6g} (spread 0) with x=" in told


def test_several_objectives_have_a_mean_and_a_spread_each(search: Search) -> None:
    def two(cfg: DictConfig) -> list[float]:
        return [float(cfg.x + cfg.seed), float(cfg.x - 2 * cfg.seed)]

    options = ("x=1,2", "hydra.sweeper.sampler=grid", "hydra.sweeper.seeds=2")
    folder = search(two, *options, "hydra.sweeper.direction=[maximize,minimize]")
    assert [one.values for one in trials(folder)] == [[1.5, 0.0], [2.5, 1.0]]
    (first, _) = results(folder)["solutions"]
    assert first["spread"] == [pytest.approx(0.5**0.5), pytest.approx(2**0.5)]


def test_suggestion_made_before_has_the_record_of_the_first(search: Search) -> None:
    options = ("x=1,2", "hydra.sweeper.seed=3", "hydra.sweeper.n_jobs=4", "hydra.sweeper.seeds=2")
    folder = search(hill, *options, "hydra.sweeper.n_trials=8")
    assert len(asked(folder)) == 4
    told = {(one.params["x"], one.value, str(one.user_attrs)) for one in trials(folder)}
    assert len(trials(folder)) == 8
    assert len(told) == 2


@pytest.mark.parametrize("launcher", ["basic", "debug"])
def test_half_done_trial_goes_on_without_its_finished_jobs(
    search: Search, launcher: str, tmp_path: Path
) -> None:
    class KilledError(BaseException):
        pass

    run: list[tuple[float, int]] = []

    def killed(cfg: DictConfig) -> float:
        run.append((cfg.x, cfg.seed))
        if len(run) == 6:
            raise KilledError
        return noisy(cfg)

    with pytest.raises(KilledError):
        search(killed, *GRID, launcher=launcher)
    folder = tmp_path / "found"
    assert [one.state.name for one in trials(folder)] == ["COMPLETE", "RUNNING"]
    search(killed, *GRID, launcher=launcher)
    assert run == [(1, 0), (1, 1), (1, 7), (2, 0), (2, 1), (2, 7), (2, 7), (3, 0), (3, 1), (3, 7)]
    assert [one.value for one in trials(folder)] == [1.75, 2.75, 3.75]


def test_failed_job_fails_its_trial_and_the_error_says_which(
    search: Search, tmp_path: Path
) -> None:
    def picky(cfg: DictConfig) -> Any:
        if cfg.x == 2 and cfg.seed == 1:
            raise ValueError("one is wrong")
        return noisy(cfg)

    with pytest.raises(SearchError) as caught:
        search(picky, *GRID)
    folder = tmp_path / "found"
    assert str(caught.value) == (
        "1 of 3 trials failed (1), the first by job 4 (seed=1): ValueError: one is wrong. "
        "A trial fails with the first of its jobs that does, and its others end. "
        f"The others are told in {folder / 'optimization_results.yaml'}."
    )
    assert [one.state.name for one in trials(folder)] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert [job[1] for job in asked(folder)] == [
        *("seed=0", "seed=1", "seed=7"), *("seed=0", "seed=1"), *("seed=0", "seed=1", "seed=7"),
    ]  # fmt: skip


def test_failed_trial_is_made_good_without_its_finished_jobs(search: Search) -> None:
    broken, run = [2], []

    def mended(cfg: DictConfig) -> float:
        run.append((cfg.x, cfg.seed))
        if cfg.x in broken and cfg.seed == 7:
            raise ValueError("broken")
        return noisy(cfg)

    with pytest.raises(SearchError):
        search(mended, *GRID, launcher="debug")
    broken.clear()
    run.clear()
    folder = search(mended, *GRID, "hydra.launcher.retry_failed=true", launcher="debug")
    assert run == [(2, 7)]
    assert [one.value for one in trials(folder)] == [1.75, None, 3.75, 2.75]


@pytest.mark.parametrize("typed", ["seed=0,1", "seed=range(0,3)", "seed=5"])
def test_seed_beside_seeds_is_refused_before_any_work(
    search: Search, typed: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        search(hill, *GRID, typed)
    assert str(caught.value) == (
        f"{typed}: hydra.sweeper.seeds gives the jobs of each trial their seeds. "
        f"Leave {typed} out, or leave hydra.sweeper.seeds out for one job per trial."
    )
    assert not (tmp_path / "found").exists()


def test_folder_of_another_number_of_seeds_is_refused(search: Search) -> None:
    options = ("x=1,2", "hydra.sweeper.n_trials=1")
    folder = search(hill, *options)
    study = trials(folder)
    with pytest.raises(ConfigError) as caught:
        search(hill, *options, "hydra.sweeper.seeds=2")
    assert str(caught.value) == (
        "hydra.sweeper.seeds=[0, 1]: each trial of the search in this folder has one job and no "
        "seeds of its own. Go on with the same, or choose another folder with hydra.sweep.dir."
    )
    assert study[0].user_attrs == {"job_number": 0}
    search(hill, *options, "hydra.sweeper.seeds=2", folder="two")
    with pytest.raises(ConfigError) as caught:
        search(hill, *options, folder="two")
    assert str(caught.value).startswith(
        "hydra.sweeper.seeds=None: each trial of the search in this folder has the seeds [0,1]. "
    )


def test_hopeless_trial_is_pruned_as_a_whole(search: Search) -> None:
    options = (
        "x=0.9,0.8,0.1,0.95", "hydra.sweeper.sampler=grid", "hydra.sweeper.seeds=2",
        "hydra.sweeper.pruner=median", "+hydra.sweeper.pruner_options.n_startup_trials=2",
        "hydra.sweeper.poll_s=0.1",
    )  # fmt: skip
    folder = search(search_jobs.seeded, *SPARK, *options, launcher="spark")
    ended = {one.params["x"]: one for one in trials(folder)}
    assert {x: one.state.name for x, one in ended.items()} == {
        0.9: "COMPLETE", 0.8: "COMPLETE", 0.1: "PRUNED", 0.95: "COMPLETE",
    }  # fmt: skip
    means = {n: pytest.approx((0.9 - 0.025) * n / 10) for n in range(1, 11)}
    assert ended[0.9].intermediate_values == means
    assert ended[0.9].value == pytest.approx(0.875)
    assert 1 <= len(ended[0.1].intermediate_values) < 10
    told = {tuple(one["overrides"]): one for one in records(folder)}
    for seed in (0, 1):
        job = told["x=0.1", f"seed={seed}"]
        assert job["status"] == "cancelled"
        assert job["reason"] == "pruned: the mean of val_accuracy is hopeless"
    before = records(folder)
    search(search_jobs.seeded, *SPARK, *options, launcher="spark")
    assert records(folder) == before


def test_failed_job_ends_the_other_jobs_of_its_trial(search: Search, tmp_path: Path) -> None:
    options = ("x=1,2", "hydra.sweeper.sampler=grid", "hydra.sweeper.seeds=3")
    with pytest.raises(
        SearchError, match=r"1 of 2 trials failed \(1\), the first by job 4 \(seed="
    ):
        search(search_jobs.patchy, *SPARK, *options, launcher="spark")
    told = {tuple(one["overrides"]): one for one in records(tmp_path / "found")}
    assert told["x=2", "seed=0"]["status"] == "cancelled"
    assert told["x=2", "seed=0"]["reason"] == "job 4 of its trial failed"
    assert ("x=2", "seed=2") not in told


def test_interrupted_search_runs_only_the_jobs_that_are_left(
    search: Search, tmp_path: Path
) -> None:
    options = ("x=0.1,3", "hydra.sweeper.sampler=grid", "hydra.sweeper.seeds=2")
    folder = tmp_path / "found"
    thread = threading.Thread(target=interrupt_once_running, args=(folder / "3" / "job.json",))
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        search(search_jobs.nap, *SPARK, *options, launcher="spark")
    thread.join()
    first = records(folder)[:2]
    assert [one["status"] for one in first] == ["completed", "completed"]
    search(search_jobs.nap, *SPARK, *options, launcher="spark")
    assert [one.value for one in trials(folder)] == [0.1, 3]
    assert records(folder)[:2] == first
    assert [one["overrides"] for one in records(folder)] == [
        [f"x={x}", f"seed={seed}"] for x in (0.1, 3) for seed in (0, 1)
    ]


def test_study_of_one_job_per_trial_is_written_as_before_there_were_seeds(search: Search) -> None:
    folder = search(hill, "x=1,2", "hydra.sweeper.n_trials=1")
    with opened_storage(None, folder) as storage:
        study = optuna.load_study(storage=storage, study_name="search")
        assert study.user_attrs == {
            "search": {
                "directions": ["maximize"],
                "space": {"x": "Choice(key='x', values=(1, 2), texts=('1', '2'))"},
                "fixed": [],
            }
        }
        assert study.trials[0].user_attrs == {"job_number": 0}
