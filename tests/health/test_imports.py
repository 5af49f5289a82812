from __future__ import annotations

from pathlib import Path

import pytest

from tlx.health import imports
from tlx.health.imports import try_imports


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "talks.py").write_text("print('hello'); print('{\"module\": 1')")
    (tmp_path / "raises.py").write_text("import nothing_like_it")
    (tmp_path / "crashes.py").write_text("import os; os._exit(3)")
    (tmp_path / "leaves.py").write_text("raise SystemExit('bye')")
    (tmp_path / "sleeps.py").write_text("import time; time.sleep(60)")
    return tmp_path


def test_try_imports_says_of_each_module_how_it_went_though_some_crash(packages: Path) -> None:
    modules = ["talks", "crashes", "raises", "json", "crashes", "leaves"]
    found = try_imports(modules)
    assert {name: each.error for name, each in found.items()} == {
        "talks": None,
        "crashes": "the import ended its process with status 3",
        "raises": "ModuleNotFoundError: No module named 'nothing_like_it'",
        "json": None,
        "leaves": "SystemExit: bye",
    }


def test_try_imports_of_a_module_that_hangs_goes_on_with_the_next(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "TIMEOUT_S", 1)
    found = try_imports(["json", "sleeps", "talks"])
    assert found["sleeps"].error == "the import took more than 1 s"
    assert found["json"].error is found["talks"].error is None
