from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from tlx.runs.provenance import PACKAGES, git_state, package_versions, provenance


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real git repository that tracks the module whose place provenance asks for."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "repository/tlx/runs"
    folder.mkdir(parents=True)
    (folder / "provenance.py").write_text("1\n")
    git(folder.parent, "init", "-q", str(tmp_path / "repository"))
    git(folder, "add", "provenance.py")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first")
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_git_state_of_a_clean_checkout_is_its_commit(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert git_state(repository) == {"commit": head, "dirty": False}


def test_git_state_with_changed_code_is_dirty_wherever_the_change_is(repository: Path) -> None:
    other = repository.parent.parent / "other.py"
    other.write_text("1\n")
    assert git_state(repository) == {"commit": git(repository, "rev-parse", "HEAD"), "dirty": False}
    git(repository.parent.parent, "add", "other.py")
    state = git_state(repository)
    assert state is not None
    assert state["dirty"] is True


def test_git_state_with_an_edited_file_is_dirty(repository: Path) -> None:
    (repository / "provenance.py").write_text("2\n")
    state = git_state(repository)
    assert state is not None
    assert state["dirty"] is True


def test_git_state_of_an_installed_copy_inside_another_repository_is_none(
    repository: Path,
) -> None:
    installed = repository.parent.parent / "venv/tlx/runs"
    installed.mkdir(parents=True)
    (installed / "provenance.py").write_text("1\n")  # there, but not tracked
    assert git_state(installed) is None


def test_git_state_outside_a_repository_or_without_git_is_none(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert git_state(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert git_state(repository) is None


def test_package_versions_are_those_installed() -> None:
    versions = package_versions()
    assert set(versions) == set(PACKAGES)
    for name in ("torch", "torchvision", "hydra-core", "numpy", "pandas"):
        assert versions[name] == version(name)
    assert versions["tlx"][0].isdigit()


def test_provenance_names_seed_host_and_fingerprints() -> None:
    origin = provenance(seed=3, device="cpu", dataset="d" * 64, weights="w" * 64)
    assert (origin["seed"], origin["dataset_fingerprint"], origin["weights_fingerprint"]) == (
        3, "d" * 64, "w" * 64,
    )  # fmt: skip
    assert origin["python"] == platform.python_version()
    assert origin["host"] == {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "device": "cpu",
    }
