"""Searches through Hydra itself, as a user's program starts them."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.singleton import Singleton

CONFIG = "defaults:\n- body: ball\n- _self_\n\nx: 0\ny: 0\nlayers: 1\nname: a\nseed: 0\n"
Search = Callable[..., Path]


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Search]:
    """Run a search by the overrides a user would type, and return its folder."""
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    state = copy.deepcopy(Singleton.get_state())
    conf = tmp_path / "conf"
    (conf / "body").mkdir(parents=True)
    (conf / "config.yaml").write_text(CONFIG)
    (conf / "body" / "ball.yaml").write_text("offset: 0.0\n")
    (conf / "body" / "cube.yaml").write_text("offset: -1.0\n")

    def run(
        job: Callable[[Any], Any],
        *overrides: str,
        folder: str = "found",
        launcher: str = "basic",
    ) -> Path:
        version.setbase("1.3")
        hydra = Hydra.create_main_hydra2("app", create_config_search_path(str(conf)))
        asked = ["hydra/sweeper=optuna", f"hydra.sweep.dir={tmp_path / folder}"]
        asked += [f"hydra/launcher={launcher}", *overrides]
        try:
            hydra.multirun("config", job, asked, with_log_configuration=False)
        finally:
            GlobalHydra.instance().clear()
        return tmp_path / folder

    yield run
    GlobalHydra().clear()
    Singleton.set_state(state)
