"""What the search's options may be."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tlx.errors import ConfigError, TlxError
from tlx.search.config import OptunaSweeperConf, option_faults
from tlx.search.pruners import pruner
from tlx.search.samplers import reservation, sampler
from tlx.search.space import space_of


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"sampler": "tep"}, "sampler=tep: there is no such sampler. Did you mean 'tpe'?"),
        ({"pruner": "mean"}, "there is no such pruner. Did you mean 'median'?"),
        ({"direction": "up"}, "direction=up: there is no such direction."),
        ({"direction": []}, "direction=nothing: there is no such direction."),
        ({"n_trials": 0}, "hydra.sweeper.n_trials=0: too small. Give 1 or more."),
        (
            {"seeds": 0},
            "hydra.sweeper.seeds=0: these are no seeds. "
            "Give a count such as 3, or a list such as [0,1,7].",
        ),
        ({"seeds": True}, "hydra.sweeper.seeds=True: these are no seeds."),
        ({"seeds": []}, "hydra.sweeper.seeds=[]: these are no seeds."),
        ({"seeds": "3"}, "hydra.sweeper.seeds=3: these are no seeds."),
        ({"seeds": [0, 1.5]}, "hydra.sweeper.seeds=[0, 1.5]: these are no seeds."),
        (
            {"seeds": [1, 2, 1]},
            "hydra.sweeper.seeds=[1, 2, 1]: a seed stands there twice. Give each seed once.",
        ),
        (
            {"seeds": [0, -1]},
            "hydra.sweeper.seeds=[0, -1]: a seed is not negative. Give seeds of 0 or more.",
        ),
        ({"poll_s": 0}, "hydra.sweeper.poll_s=0: too small."),
        (
            {"sampler": "cmaes", "direction": ["minimize", "maximize"]},
            "CMA-ES searches for one objective only. Take sampler=tpe",
        ),
        (
            {"pruner": "median", "direction": ["minimize", "maximize"]},
            "trials with several objectives cannot be compared while they run",
        ),
        (
            {"pruner": "median", "direction": "minimize"},
            "metric=val_accuracy: the search is to minimize, so the best trials would be pruned",
        ),
        (
            {"pruner": "median", "metric": "val_rmse"},
            "metric=val_rmse: the search is to maximize, so the best trials would be pruned",
        ),
    ],
)
def test_option_that_cannot_be_used_is_named(options: dict[str, Any], text: str) -> None:
    (fault,) = option_faults(OptunaSweeperConf(**options))
    assert text in str(fault)


def test_default_options_have_no_fault() -> None:
    assert list(option_faults(OptunaSweeperConf())) == []
    minimize = OptunaSweeperConf(pruner="median", direction="minimize", metric="val_loss")
    assert list(option_faults(minimize)) == []


def test_argument_that_sampler_or_pruner_does_not_take_is_named() -> None:
    with pytest.raises(ConfigError, match=r"sampler_options=.*n_start.*optuna.samplers.TPESampler"):
        sampler(OptunaSweeperConf(sampler_options={"n_start": 3}), 0)
    with pytest.raises(ConfigError, match=r"pruner_options=.*optuna.pruners.MedianPruner"):
        pruner(OptunaSweeperConf(pruner="median", pruner_options={"warmup": 3}))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (("x=interval(0,1)", "y=range(1,9)"), None),
        (("x=interval(0,1)", "y=range(1,9)", "z=a,b"), "z drawn at random"),
        (("x=interval(0,1)", "z=a,b"), "needs two numbers or more"),
    ],
)
def test_cmaes_says_what_it_draws_at_random(written: tuple[str, ...], words: str | None) -> None:
    space = space_of(OverridesParser.create().parse_overrides(list(written)))
    found = reservation(OptunaSweeperConf(sampler="cmaes"), space)
    assert (words or "nothing") in (found or "nothing")
    assert reservation(OptunaSweeperConf(sampler="tpe"), space) is None


def test_cmaes_without_its_package_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlx.search.samplers.importlib.util.find_spec", lambda name: None)
    with pytest.raises(TlxError, match="Run pip install cmaes, or take sampler=tpe"):
        sampler(OptunaSweeperConf(sampler="cmaes"), 0)


def test_registering_the_plugin_imports_neither_optuna_nor_torch_nor_pyspark() -> None:
    code = "import sys, hydra_plugins.tlx_optuna; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "tlx.search.sweeper" in loaded
    assert not loaded & {"optuna", "torch", "pyspark", "pandas"}
