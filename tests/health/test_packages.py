from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tlx.extras import EXTRAS
from tlx.health import packages
from tlx.health.imports import Imported
from tlx.health.requirements import PYPROJECT, python_requirement, tlx_requirements

PROJECT = tomllib.loads(PYPROJECT.read_text())["project"]


def test_requirements_are_those_of_the_project() -> None:
    assert [str(Requirement(line)) for line in PROJECT["dependencies"]] == [
        str(requirement) for requirement in tlx_requirements()
    ]
    assert python_requirement() == PROJECT["requires-python"]


def test_extras_are_those_of_the_project_and_each_has_a_feature() -> None:
    assert set(EXTRAS) == set(PROJECT["optional-dependencies"]) - {"dev"}
    assert set(packages.FEATURES) == set(EXTRAS)


@pytest.mark.parametrize(
    ("requirement", "version", "error", "line"),
    [
        ("numpy>=1", "2.0", None, "fine      numpy               2.0"),
        ("numpy>=1", None, None,
         "broken    numpy               not installed. Run pip install 'numpy>=1'."),
        ("numpy<2,>=1", "2.0", None,
         "broken    numpy               2.0, and tlx needs <2,>=1. Run pip install 'numpy<2,>=1'."),
        ("numpy>=1", "2.0+cpu", "ImportError: no", "broken    numpy               2.0+cpu cannot "
         "be imported (ImportError: no). Run pip install --force-reinstall 'numpy==2.0'."),
    ],
)  # fmt: skip
def test_package_finding_says_fine_or_what_to_do(
    requirement: str, version: str | None, error: str | None, line: str
) -> None:
    imports = {"numpy": Imported("numpy", error)}
    assert str(packages._package(Requirement(requirement), version, imports)) == line


def test_tlx_findings_without_shipped_models_are_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [found.level for found in packages.tlx_findings()] == ["fine"]
    monkeypatch.setattr(packages, "SHIPPED", tmp_path)
    (found,) = packages.tlx_findings()
    assert (found.level, found.remedy) == ("broken", "Install tlx again.")
