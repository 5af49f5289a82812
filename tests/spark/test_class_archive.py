from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tlx.spark.class_archive import archive_file, archive_option, make_in_background
from tlx.spark.java import find_java_home
from tlx.spark.session import JVM_OPTIONS

STARTED = """
import sys
from pathlib import Path
from tlx.spark.session import SessionOptions, open_session
session = open_session(SessionOptions("local[1]", (), 1, 60.0), Path(sys.argv[1]))
print(session.context.parallelize([3], 1).map(lambda n: n + 1).collect())
runtime = session.context._jvm.java.lang.management.ManagementFactory.getRuntimeMXBean()
print(*[a for a in runtime.getInputArguments() if "Archive" in a])
"""


def java(folder: Path, content: bytes = b"binary") -> Path:
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "bin" / "java").write_bytes(content)
    return folder


def environment(folder: Path) -> dict[str, str]:
    return {"TLX_CLASS_ARCHIVES": str(folder)}


def test_archive_goes_with_one_java_and_one_set_of_options(tmp_path: Path) -> None:
    one, other = java(tmp_path / "a"), java(tmp_path / "b")
    named = environment(tmp_path / "kept")
    file = archive_file(one, "-Xa", named)
    assert file == archive_file(one, "-Xa", named)
    assert file is not None
    assert file.parent == tmp_path / "kept"
    assert file.suffix == ".jsa"
    assert len({file, archive_file(one, "-Xb", named), archive_file(other, "-Xa", named)}) == 3


def test_archive_of_a_wrapped_java_goes_with_what_it_wraps(tmp_path: Path) -> None:
    script = b"#!/bin/sh\nexec /jdk/bin/java"
    one, again = java(tmp_path / "a", script), java(tmp_path / "b", script)
    other, named = java(tmp_path / "c", script + b"17"), environment(tmp_path)
    assert archive_file(one, "", named) == archive_file(again, "", named)
    assert archive_file(one, "", named) != archive_file(other, "", named)


@pytest.mark.parametrize("folder", ["", "/a b", '/a"b', "/ä"])
def test_archive_has_no_place_where_none_is_wanted_or_java_would_misread_it(
    folder: str, tmp_path: Path
) -> None:
    assert archive_file(java(tmp_path), "", {"TLX_CLASS_ARCHIVES": folder}) is None


def test_archive_lies_in_the_cache_unless_said_otherwise(tmp_path: Path) -> None:
    file = archive_file(java(tmp_path), "", {"XDG_CACHE_HOME": "/cache"})
    assert file is not None
    assert file.parent == Path("/cache/tlx/spark")


def test_archive_is_mapped_only_where_nobody_else_could_have_written_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    file = tmp_path / "classes.jsa"
    assert archive_option(None) == archive_option(file) == ""
    file.write_bytes(b"x")
    file.chmod(0o600)
    assert archive_option(file).startswith(f" -XX:SharedArchiveFile={file} ")
    file.chmod(0o622)
    assert archive_option(file) == ""
    file.chmod(0o600)
    tmp_path.chmod(0o777)
    assert archive_option(file) == ""


def test_archive_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "classes.jsa").touch()
    assert not make_in_background(tmp_path / "classes.jsa", JVM_OPTIONS)


@pytest.mark.slow
def test_session_with_an_archive_maps_it_and_one_with_a_broken_archive_starts(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o700)
    file = archive_file(find_java_home(folder=tmp_path), JVM_OPTIONS, environment(kept))
    assert file is not None
    make = [sys.executable, "-m", "tlx.spark.class_archive", str(file), JVM_OPTIONS]
    subprocess.run(make, env=os.environ | environment(kept), check=True)
    assert [path for path in kept.iterdir() if path.suffix != ".lock"] == [file]

    def started() -> list[str]:
        command = [sys.executable, "-c", STARTED, str(tmp_path / "spark.log")]
        done = subprocess.run(
            command,
            env=os.environ | environment(kept),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()

    assert started() == ["[4]", f"-XX:SharedArchiveFile={file}"]
    file.write_bytes(file.read_bytes()[:5000])
    assert started() == ["[4]", ""]
    assert not file.exists()
