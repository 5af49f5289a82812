"""Sweeps through Hydra itself, with one Spark session for all tests."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hydra import version
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn

ROOT = Path(__file__).resolve().parents[2]
for folder in (Path(__file__).parent, ROOT):  # workers find the jobs by the driver's path
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@dataclass
class Sweep:
    """A finished sweep."""

    folder: Path
    returns: list[JobReturn] = field(default_factory=list)
    error: BaseException | None = None


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Sweep]]:
    """Run a sweep by the overrides a user would type; its errors are returned."""
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    state = copy.deepcopy(Singleton.get_state())

    def run(
        function: Callable[..., Any],
        *overrides: str,
        launcher: str = "spark",
        config: str = "kind: return\nx: 0\n",
        folder: str = "sweep",
    ) -> Sweep:
        (tmp_path / "conf").mkdir(exist_ok=True)
        (tmp_path / "conf" / "config.yaml").write_text(config)
        done = Sweep(tmp_path / folder)
        asked = [f"hydra/launcher={launcher}", f"hydra.sweep.dir={done.folder}", *overrides]
        if launcher == "spark" and not any("launcher.master" in one for one in overrides):
            asked.append("hydra.launcher.master='local[2]'")
        try:
            done.returns = _multirun(function, tmp_path / "conf", asked)
        except Exception as error:
            done.error = error
        return done

    yield run
    GlobalHydra().clear()
    Singleton.set_state(state)


def _multirun(
    function: Callable[..., Any], config_dir: Path, overrides: Sequence[str]
) -> list[JobReturn]:
    """Return every job's return, failed ones too, which Hydra's sweeper would raise."""
    from hydra._internal.utils import create_config_search_path

    version.setbase("1.3")
    hydra = Hydra.create_main_hydra2("app", create_config_search_path(str(config_dir)))
    kept: list[JobReturn] = []
    from hydra.core.plugins import Plugins

    original = Plugins.instantiate_launcher

    def instantiate(self: Any, *args: Any, **kwargs: Any) -> Any:
        launcher = original(self, *args, **kwargs)
        launch = launcher.launch

        def keep(*args: Any, **kwargs: Any) -> Any:
            returns = launch(*args, **kwargs)
            kept.extend(returns)
            return []

        launcher.launch = keep
        return launcher

    Plugins.instantiate_launcher = instantiate  # type: ignore[method-assign]
    try:
        hydra.multirun("config", function, list(overrides), with_log_configuration=False)
    finally:
        Plugins.instantiate_launcher = original  # type: ignore[method-assign]
        GlobalHydra.instance().clear()
    return kept
