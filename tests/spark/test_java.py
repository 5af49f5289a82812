from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tlx.spark import java
from tlx.spark.errors import SparkStartError


def fake_java(home: Path, version: str) -> Path:
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    program.write_text(f'#!/bin/sh\necho \'openjdk version "{version}"\' >&2\necho "$@"\n')
    program.chmod(0o700)
    return home


@pytest.mark.parametrize(
    ("told", "feature"), [("17.0.15", 17), ("1.8.0_402", 8), ("25", 25), ("21-ea", 21)]
)
def test_java_version_is_the_feature_release(tmp_path: Path, told: str, feature: int) -> None:
    assert java.java_version(fake_java(tmp_path / "jdk", told)) == feature


def test_java_version_of_a_folder_without_java_is_none(tmp_path: Path) -> None:
    assert java.java_version(tmp_path) is None


def test_find_java_home_prefers_java_home_to_the_path(tmp_path: Path) -> None:
    named, on_path = fake_java(tmp_path / "a", "21.0.1"), fake_java(tmp_path / "b", "17.0.1")
    environment = {"JAVA_HOME": str(named), "PATH": str(on_path / "bin")}
    assert java.find_java_home(environment) == named
    assert java.find_java_home({"PATH": str(on_path / "bin")}) == on_path


def test_find_java_home_passes_over_an_old_java(tmp_path: Path) -> None:
    old, new = fake_java(tmp_path / "a", "1.8.0_402"), fake_java(tmp_path / "b", "17.0.1")
    environment = {"JAVA_HOME": str(old), "PATH": str(new / "bin")}
    assert java.find_java_home(environment) == new


def test_find_java_home_without_any_names_what_is_there_and_both_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java, "bundled_java", lambda folder: None)
    old = fake_java(tmp_path / "a", "11.0.2")
    with pytest.raises(SparkStartError) as caught:
        java.find_java_home({"JAVA_HOME": str(old), "PATH": ""})
    assert f"needs Java 17 or newer: JAVA_HOME ({old}) is Java 11" in str(caught.value)
    assert "set JAVA_HOME" in str(caught.value)
    assert "pip install 'tlx[jre]'" in str(caught.value)


def test_wrapped_java_leaves_out_the_incubator_module_only(tmp_path: Path) -> None:
    home = java.wrapped_java(fake_java(tmp_path / "with space", "25"))
    given = ["-Xmx1g", "--add-modules=jdk.incubator.vector", "-Da=b c", "Main"]
    command = [str(home / "bin" / "java"), *given]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "-Xmx1g -Da=b c Main"
    shutil.rmtree(home)
