"""The temporary folder of a Spark, and the process that is killed in any moment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock
from pyspark import java_gateway

from tlx.spark.jvm import Jvm, StartAbortedError
from tlx.spark.scratch import Scratch, remove_stale, temporary_root


def test_scratch_is_private_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = Scratch()
    assert scratch.folder.name.startswith(f"tlx-spark-{os.getpid()}-")
    assert scratch.folder.stat().st_mode & 0o777 == 0o700
    remove_stale(scratch.folder.parent)
    assert scratch.folder.is_dir()
    scratch.remove()
    scratch.remove()
    assert not scratch.folder.exists()


def test_temporary_root_too_long_for_a_socket_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/var/tmp")
    assert temporary_root() == Path("/var/tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("long" * 20)))
    assert temporary_root() == Path("/tmp")


def test_remove_stale_leaves_what_is_held_or_not_ours(tmp_path: Path) -> None:
    names = ("tlx-spark-1-stale", "tlx-spark-2-held", "tlx-spark-other", "tlx-spark-3-linked")
    stale, held, other, linked = (tmp_path / name for name in names)
    for path in (stale, held, other, tmp_path / "precious"):
        (path / "deep").mkdir(parents=True)
        (path / ".lock").touch()
    linked.symlink_to(tmp_path / "precious")
    with FileLock(held / ".lock"):
        remove_stale(tmp_path)
    assert [path.exists() for path in (stale, held, other, linked)] == [False, True, True, True]
    assert (tmp_path / "precious" / "deep").is_dir()


def test_aborted_jvm_is_killed_and_none_is_started_any_more(tmp_path: Path) -> None:
    jvm = Jvm()
    with jvm.taken(tmp_path):
        start = java_gateway.Popen  # type: ignore[attr-defined]
        process = start(
            [sys.executable, "-c", "import time; time.sleep(300)"], stdin=subprocess.PIPE
        )
        told = java_gateway.tempfile.mkdtemp()  # type: ignore[attr-defined]
        assert Path(told).parent == tmp_path
        jvm.abort()
        assert process.returncode == -9
        with pytest.raises(StartAbortedError):
            start([sys.executable, "-c", ""])
    assert java_gateway.Popen is subprocess.Popen  # type: ignore[attr-defined]


def test_jvm_that_ends_with_its_input_is_not_killed(tmp_path: Path) -> None:
    jvm = Jvm()
    with jvm.taken(tmp_path):
        start = java_gateway.Popen  # type: ignore[attr-defined]
        process = start(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    jvm.end()
    assert process.returncode == 1
