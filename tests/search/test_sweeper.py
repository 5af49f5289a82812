"""Whole searches in batches, with Hydra's basic launcher."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from tests.search.conftest import Search
from tests.search.search_jobs import hill
from tlx.errors import ConfigError
from tlx.search.journal import opened_storage
from tlx.search.progress import SearchError


def results(folder: Path) -> Any:
    return OmegaConf.to_container(OmegaConf.load(folder / "optimization_results.yaml"))


def trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    with opened_storage(None, folder) as storage:
        return optuna.load_study(storage=storage, study_name="search").trials


def asked(folder: Path) -> list[list[str]]:
    """Return the overrides of every job, by its number."""
    jobs = sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())
    assert jobs == list(range(len(jobs)))
    return [
        [str(one) for one in OmegaConf.load(folder / str(job) / ".hydra" / "overrides.yaml")]
        for job in jobs
    ]


HILL = ("x=interval(-1,1)", "y=interval(-2,2)", "hydra.sweeper.seed=1")


def test_tpe_comes_near_the_optimum_and_writes_it(search: Search) -> None:
    folder = search(hill, *HILL, "body=ball,cube", "hydra.sweeper.n_trials=30")
    found = results(folder)
    assert found["name"] == "optuna"
    assert found["best_params"]["body"] == "ball"
    assert found["best_params"]["x"] == pytest.approx(0.3, abs=0.4)
    assert found["best_params"]["y"] == pytest.approx(-1, abs=0.4)
    best = max(trials(folder), key=lambda one: one.value or -99)
    assert found["best_value"] == best.value
    assert asked(folder)[found["job"]] == [f"{key}={value}" for key, value in best.params.items()]
    assert found["trials"] == {"completed": 30, "pruned": 0, "failed": 0, "open": 0}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("sampler", ["cmaes", "random", "qmc"])
def test_every_sampler_searches_the_space_by_its_seed(search: Search, sampler: str) -> None:
    options = (*HILL, f"hydra.sweeper.sampler={sampler}", "hydra.sweeper.n_trials=8")
    first, second = (asked(search(hill, *options, folder=name)) for name in "ab")
    assert first == second
    assert len({tuple(one) for one in first}) == 8
    kinds = {"cmaes": "CmaEsSampler", "random": "RandomSampler", "qmc": "QMCSampler"}
    reference = optuna.create_study(
        sampler=getattr(optuna.samplers, kinds[sampler])(seed=1), direction="maximize"
    )
    space = {"x": (-1, 1), "y": (-2, 2)}
    distributions = {
        key: optuna.distributions.FloatDistribution(*ends) for key, ends in space.items()
    }
    for overrides in first:
        trial = reference.ask(distributions)
        assert overrides == [f"{key}={value!r}" for key, value in trial.params.items()]
        reference.tell(trial, -((trial.params["x"] - 0.3) ** 2) - (trial.params["y"] + 1) ** 2)


def test_grid_visits_every_point_once_and_the_last(search: Search) -> None:
    options = ("x=range(0,1,0.25)", "y=-1,0", "body=ball,cube", "hydra.sweeper.sampler=grid")
    folder = search(hill, *options, "hydra.sweeper.n_jobs=3")
    columns = (("x=0.0", "x=0.25", "x=0.5", "x=0.75"), ("y=-1", "y=0"), ("body=ball", "body=cube"))
    assert asked(folder) == [list(point) for point in itertools.product(*columns)]
    assert results(folder)["best_params"] == {"x": 0.25, "y": -1, "body": "ball"}
    assert results(folder)["best_value"] == pytest.approx(-(0.05**2))


def test_grid_stopped_in_between_goes_on_with_what_is_left(search: Search) -> None:
    options = ("x=range(1,6)", "hydra.sweeper.sampler=grid")
    search(hill, *options, "hydra.sweeper.n_trials=2")
    folder = search(hill, *options)
    assert asked(folder) == [["x=1"], ["x=2"], ["x=3"], ["x=4"], ["x=5"]]
    search(hill, *options)
    assert len(asked(folder)) == 5


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc", "cmaes"])
def test_same_command_again_counts_what_is_done_and_draws_anew(
    search: Search, sampler: str
) -> None:
    options = (*HILL, f"hydra.sweeper.sampler={sampler}")
    search(hill, *options, "hydra.sweeper.n_trials=4")
    folder = search(hill, *options, "hydra.sweeper.n_trials=4")
    assert len(asked(folder)) == 4
    search(hill, *options, "hydra.sweeper.n_trials=9")
    assert len({tuple(one) for one in asked(folder)}) == 9
    assert len(trials(folder)) == 9


def test_trials_a_killed_driver_left_open_are_judged_first(search: Search) -> None:
    class KilledError(BaseException):
        pass

    drawn: list[float] = []

    def killed(cfg: DictConfig) -> float:
        drawn.append(cfg.x)
        if len(drawn) == 3:
            raise KilledError
        return hill(cfg)

    options = (*HILL, "hydra.sweeper.n_trials=5", "hydra.sweeper.n_jobs=2")
    with pytest.raises(KilledError):
        search(killed, *options)
    folder = search(hill, *options)
    ended = trials(folder)
    assert [one.state.name for one in ended] == ["COMPLETE"] * 5
    assert ended[2].params["x"] == drawn[2]
    assert [one.value for one in ended] == [
        pytest.approx(-((one.params["x"] - 0.3) ** 2) - (one.params["y"] + 1) ** 2) for one in ended
    ]


def test_trial_whose_drawing_was_cut_short_counts_for_nothing(search: Search) -> None:
    options = ("x=range(1,4)", "hydra.sweeper.sampler=grid")
    folder = search(hill, *options, "hydra.sweeper.n_trials=1")
    with opened_storage(None, folder) as storage:
        optuna.load_study(storage=storage, study_name="search").ask()
    search(hill, *options)
    assert asked(folder) == [["x=1"], ["x=2"], ["x=3"]]


def test_failing_trials_are_told_and_the_search_goes_on(search: Search, tmp_path: Path) -> None:
    def picky(cfg: DictConfig) -> Any:
        if cfg.x == 2:
            raise ValueError("two is too many")
        return {1: 1.0, 3: "three", 4: 0.5}[cfg.x]

    options = ("x=1,2,3,4", "hydra.sweeper.sampler=grid", "hydra.sweeper.n_jobs=2")
    with pytest.raises(SearchError) as caught:
        search(picky, *options)
    assert "2 of 4 trials failed (1, 2), the first by ValueError: two is too many." in str(
        caught.value
    )
    assert isinstance(caught.value.__cause__, ValueError)
    folder = tmp_path / "found"
    assert [one.state.name for one in trials(folder)] == ["COMPLETE", "FAIL", "FAIL", "COMPLETE"]
    assert trials(folder)[2].user_attrs["error"].endswith("'three': a number is needed")
    assert results(folder)["best_params"] == {"x": 1}
    assert results(folder)["trials"]["failed"] == 2
    with pytest.raises(SearchError, match="2 of 4 trials failed"):  # nothing is run again
        search(picky, *options)
    assert len(asked(folder)) == 4


def test_failed_trials_are_made_good_where_the_launcher_retries(search: Search) -> None:
    broken = [2]

    def mended(cfg: DictConfig) -> float:
        if cfg.x in broken:
            raise ValueError("broken")
        return float(cfg.x)

    options = ("x=1,2,3", "hydra.sweeper.sampler=grid")
    with pytest.raises(SearchError):
        search(mended, *options, launcher="debug")
    broken.clear()
    retry = (*options, "hydra.launcher.retry_failed=true")
    folder = search(mended, *retry, launcher="debug")
    assert [one.state.name for one in trials(folder)] == [
        *("COMPLETE", "FAIL", "COMPLETE", "COMPLETE"),
    ]
    assert trials(folder)[3].params == {"x": 2}
    assert asked(folder) == [["x=1"], ["x=2"], ["x=3"]]
    assert json.loads((folder / "1" / "job.json").read_text())["status"] == "completed"
    assert len(trials(search(mended, *retry, launcher="debug"))) == 4


def test_several_objectives_give_the_front(search: Search) -> None:
    def two(cfg: DictConfig) -> list[float]:
        return [float(cfg.x), float((cfg.x - 2) ** 2)]

    options = ("x=range(0,5)", "hydra.sweeper.sampler=grid")
    folder = search(two, *options, "hydra.sweeper.direction=[maximize,minimize]")
    found = {one["params"]["x"]: one["values"] for one in results(folder)["solutions"]}
    assert found == {2: [2, 0], 3: [3, 1], 4: [4, 4]}


def test_suggestion_made_before_is_not_run_again(search: Search) -> None:
    options = ("x=1,2", "hydra.sweeper.seed=3", "hydra.sweeper.n_jobs=4")
    folder = search(hill, *options, "hydra.sweeper.n_trials=12")
    assert sorted(asked(folder)) == [["x=1"], ["x=2"]]
    told = [(one.params["x"], one.value) for one in trials(folder)]
    assert len(told) == 12
    assert dict(told) == {1: pytest.approx(-1.49), 2: pytest.approx(-3.89)}
    assert len(set(told)) == 2
    assert asked(folder)[results(folder)["job"]] == ["x=1"]


def test_minimize_finds_the_other_end(search: Search) -> None:
    options = ("x=range(0,4)", "hydra.sweeper.sampler=grid", "hydra.sweeper.direction=minimize")
    assert results(search(hill, *options))["best_params"] == {"x": 3}


def test_space_in_a_config_is_searched_and_the_command_line_goes_first(search: Search) -> None:
    params = "+hydra.sweeper.params={x: 'range(0,9)', y: 'range(0,2)'}"
    folder = search(hill, params, "x=5", "hydra.sweeper.sampler=grid")
    assert asked(folder) == [["x=5", "y=0"], ["x=5", "y=1"]]


def test_other_search_in_the_same_folder_is_refused(search: Search) -> None:
    search(hill, "x=1,2", "hydra.sweeper.n_trials=1")
    with pytest.raises(ConfigError) as caught:
        search(hill, "x=1,2,3", "name=b", "hydra.sweeper.direction=minimize")
    assert [fault.key for fault in caught.value.faults] == [
        "hydra.sweeper.direction",
        "x",
        "overrides",
    ]
    assert "choose another folder with hydra.sweep.dir" in str(caught.value)


def test_choice_that_does_not_compose_is_found_before_anything_runs(
    search: Search, tmp_path: Path
) -> None:
    with pytest.raises(HydraException, match="Could not find 'body/cone'"):
        search(hill, "body=ball,cone", "x=interval(0,1)")
    assert not (tmp_path / "found").exists()


def test_space_that_hydra_cannot_read_says_where(search: Search) -> None:
    with pytest.raises(HydraException, match="interval"):
        search(hill, "x=interval(1)")


def test_pruner_with_a_launcher_that_cannot_stop_jobs_warns(
    search: Search, caplog: pytest.LogCaptureFixture
) -> None:
    search(hill, "x=1,2", "hydra.sweeper.pruner=median", "hydra.sweeper.n_trials=1")
    assert "this launcher cannot stop a job, so no trial is pruned" in caplog.text
