"""Spark's Java classes read and checked once, and mapped into memory by every later JVM.

A JVM that starts Spark loads some 10,000 classes, which takes much of its time. Java can dump them
at its end (`-XX:ArchiveClassesAtExit`, JEP 350) and map them the next time. An archive goes with
one Java, one class path and one set of options; a JVM that finds another leaves it alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from filelock import FileLock, Timeout

from tlx.spark.java import find_java_home

FOLDER_VARIABLE: Final = "TLX_CLASS_ARCHIVES"
"""Names another folder for archives; empty, there are none."""
SAFE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")
"""Characters of a path that Java's options take as they are."""


def archive_file(
    java_home: Path, java_options: str, environment: Mapping[str, str] = os.environ
) -> Path | None:
    """Return where the archive for a Java and its options is, or would be.

    Args:
        java_home: The folder of the Java.
        java_options: Its options, which an archive depends on.
        environment: Where the folder is read.

    Returns:
        None where there shall be none, or where its path would be misread.
    """
    cache = environment.get("XDG_CACHE_HOME") or "~/.cache"
    folder = environment.get(FOLDER_VARIABLE, str(Path(cache).expanduser() / "tlx" / "spark"))
    if not folder or not set(folder) <= SAFE:
        return None
    return Path(folder).absolute() / f"classes-{_digest(java_home, java_options)}.jsa"


def archive_option(archive: Path | None) -> str:
    """Return the JVM's option that maps an archive; empty where there is none to trust.

    Args:
        archive: Its file. It holds code, so one that others could have written is left alone.
    """
    if archive is None:
        return ""
    try:
        found, folder = archive.lstat(), archive.parent.lstat()
    except OSError:
        return ""
    for status in (found, folder):
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            return ""
    return f" -XX:SharedArchiveFile={archive} -Xshare:auto -Xlog:cds=off -Xlog:cds+dynamic=off"


def make_in_background(archive: Path, java_options: str) -> bool:
    """Start a process that makes an archive and that this one need not wait for.

    Args:
        archive: Its file.
        java_options: Options of the JVM.

    Returns:
        Whether it was started; one that is there, or being made, is not made again.
    """
    if archive.exists() or not _is_own_folder(archive.parent):
        return False
    try:
        FileLock(_lock_of(archive)).acquire(timeout=0).lock.release()
    except (Timeout, OSError):
        return False
    arguments = [str(archive), java_options]
    subprocess.Popen(
        [sys.executable, "-m", "tlx.spark.class_archive", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return True


def make(archive: Path, java_home: Path, java_options: str) -> None:
    """Make an archive: start Spark, have it run one Python job, and let its JVM dump its classes.

    Args:
        archive: Its file, which appears whole or not at all.
        java_home: The folder of the Java.
        java_options: Its options.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    part = archive.with_suffix(f".{os.getpid()}.part")
    os.environ["JAVA_HOME"], os.environ["PYSPARK_PYTHON"] = str(java_home), sys.executable
    conf = SparkConf(loadDefaults=False).setMaster("local[1]").setAppName("tlx")
    conf.set("spark.ui.enabled", "false").set("spark.driver.host", "127.0.0.1")
    conf.set("spark.driver.extraJavaOptions", f"{java_options} -XX:ArchiveClassesAtExit={part}")
    try:
        gateway = launch_gateway(conf)  # type: ignore[no-untyped-call]
        context = SparkContext(conf=conf, gateway=gateway)
        context.parallelize([1], 1).map(_same).collect()
        context.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=300)
        part.chmod(0o600)
        part.replace(archive)
    finally:
        part.unlink(missing_ok=True)


def _same(value: int) -> int:
    return value


def _digest(java_home: Path, java_options: str) -> str:
    """Return what an archive goes with: the Java, Spark's jars and the options, as one word."""
    digest = hashlib.sha256(java_options.encode())
    digest.update(_java(java_home / "bin" / "java"))
    spec = find_spec("pyspark")
    jars = Path(str(spec.origin)).parent / "jars" if spec else Path()
    for jar in sorted(jars.glob("*.jar")):
        digest.update(f"{jar}{jar.stat().st_size}{jar.stat().st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _java(program: Path) -> bytes:
    """Return what tells a Java from others; a script is made anew each time, and names its own."""
    try:
        program = program.resolve(strict=True)
        with program.open("rb") as file:
            if file.read(2) == b"#!":
                return file.read()
        return f"{program}{program.stat().st_size}{program.stat().st_mtime_ns}".encode()
    except OSError:
        return b""


def _is_own_folder(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.lstat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _lock_of(archive: Path) -> str:
    return str(archive.with_suffix(".lock"))


def main() -> None:
    """Make the archive that the arguments name, unless another process is about it."""
    archive, java_options = Path(sys.argv[1]), sys.argv[2]
    with (
        contextlib.suppress(Timeout),
        FileLock(_lock_of(archive)).acquire(timeout=0),
        TemporaryDirectory(prefix="tlx-java-") as scratch,
    ):
        os.nice(19)  # jobs come first
        java_home = find_java_home(folder=Path(scratch))
        if not archive.exists() and archive == archive_file(java_home, java_options):
            make(archive, java_home, java_options)


if __name__ == "__main__":
    main()
