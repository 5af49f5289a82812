"""Hydra's own test suites for launchers, and the options that all launchers share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import version
from hydra.test_utils.launcher_common_tests import (
    BatchedSweeperTestSuite,
    IntegrationTestSuite,
    LauncherTestSuite,
)
from hydra.version import VersionBase

ROOT = Path(__file__).resolve().parents[2]
SPARK = "hydra.launcher.master='local[2]'"


@pytest.fixture(autouse=True)
def _apps_find_tlx(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suites' programs run elsewhere, as a user's do with tlx installed."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


@pytest.fixture(autouse=True)
def _version_base_of_the_suites() -> Iterator[None]:
    """The suites expect Hydra's oldest behaviour, whatever other tests asked for."""
    before = VersionBase.instance().getbase()
    version.setbase("1.1")
    yield
    VersionBase.instance().version_base = before


@pytest.mark.parametrize(("launcher_name", "overrides"), [("spark", [SPARK])])
class TestSpark(LauncherTestSuite):
    pass


@pytest.mark.parametrize(("launcher_name", "overrides"), [("debug", [])])
class TestDebug(LauncherTestSuite):
    pass


@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [("spark", [SPARK, "hydra.sweeper.max_batch_size=2"])],
)
class TestSparkInBatches(BatchedSweeperTestSuite):
    pass


@pytest.mark.parametrize(
    ("launcher_name", "overrides"), [("debug", ["hydra.sweeper.max_batch_size=2"])]
)
class TestDebugInBatches(BatchedSweeperTestSuite):
    pass


@pytest.mark.slow  # each program starts a Spark of its own
@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"), [({}, ["-m", "hydra/launcher=spark"])]
)
class TestSparkPrograms(IntegrationTestSuite):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"), [({}, ["-m", "hydra/launcher=debug"])]
)
class TestDebugPrograms(IntegrationTestSuite):
    pass
