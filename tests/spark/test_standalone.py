"""A real Spark master with two workers on loopback, and what happens when they die."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.spark import spark_jobs
from tests.spark.test_crash_matrix import MATRIX, OPTIONS, check_matrix
from tlx.spark.errors import SparkStartError
from tlx.spark.java import find_java_home

pytestmark = pytest.mark.slow


@dataclass
class Cluster:
    """A master and its workers."""

    url: str
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "JAVA_HOME": str(find_java_home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
    }
    log = tmp_path / "master.log"

    def daemon(log_file: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", *arguments]
        with log_file.open("wb") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, start_new_session=True
            )

    options = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    processes = [daemon(log, "master.Master", *options)]
    try:
        url = _wait_for(lambda: re.search(r"spark://127.0.0.1:\d+", log.read_text()))[0]
        for index in range(2):
            worker = ("--cores", "1", "--memory", "1g", "--webui-port", "0", "--host", "127.0.0.1")
            work = ("--work-dir", str(tmp_path / f"work{index}"), url)
            processes.append(
                daemon(tmp_path / f"worker{index}.log", "worker.Worker", *worker, *work)
            )
        _wait_for(lambda: log.read_text().count("Registering worker") == 2)
        yield Cluster(url, processes[1:])
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _wait_for(what: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    ends = time.monotonic() + timeout_s
    while time.monotonic() < ends:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("waited in vain")


def _executors() -> list[int]:
    """Return the JVMs of executors, oldest first."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"CoarseGrainedExecutorBackend" in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return sorted(found)


def _on(cluster: Cluster) -> tuple[str, ...]:
    return (
        f"hydra.launcher.master='{cluster.url}'",
        "+hydra.launcher.conf.spark.executor.memory=512m",
        "+hydra.launcher.conf.spark.driver.host=127.0.0.1",
    )


def test_crash_matrix_on_standalone_every_job_is_told(
    sweep: Callable[..., Any], cluster: Cluster
) -> None:
    check_matrix(sweep(spark_jobs.end, f"kind={','.join(MATRIX)}", *_on(cluster), *OPTIONS))


@pytest.mark.parametrize("victim", ["executor", "worker"])
def test_killed_in_mid_sweep_every_job_completes(
    sweep: Callable[..., Any], cluster: Cluster, victim: str, tmp_path: Path
) -> None:
    import threading

    def kill() -> None:
        _wait_for(lambda: len(list((tmp_path / "sweep").glob("*/stdout.log"))) >= 3)
        if victim == "executor":
            os.kill(_executors()[0], signal.SIGKILL)
        else:  # a worker's machine that goes takes its executor along
            cluster.workers[0].kill()
            os.kill(_executors()[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    done = sweep(spark_jobs.nap, f"x={','.join(map(str, range(8)))}", *_on(cluster))
    killer.join()
    assert done.error is None
    table = pd.read_csv(done.folder / "results.csv")
    assert list(table["status"]) == ["completed"] * 8
    assert [one.return_value for one in done.returns] == [float(x) for x in range(8)]
    assert table["attempt"].max() >= 1, "nothing was lost: the test tested nothing"
    attempts = list(done.folder.glob("*/stdout.1.log"))
    assert len(attempts) == (table["attempt"] >= 1).sum()


def test_master_without_free_executors_is_told_in_time(
    sweep: Callable[..., Any], cluster: Cluster
) -> None:
    too_much = "+hydra.launcher.conf.spark.executor.memory=40g"
    options = (f"hydra.launcher.master='{cluster.url}'", "hydra.launcher.start_timeout_s=5")
    started = time.monotonic()
    done = sweep(
        spark_jobs.square, "x=1,2", *options, too_much, "+hydra.launcher.conf.spark.cores.max=1"
    )
    assert isinstance(done.error, SparkStartError)
    assert "no executor registered within start_timeout_s=5" in str(done.error)
    assert time.monotonic() - started < 60
