"""One Spark session for a sweep: started when it is needed, quiet, and closed to others."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import re
import secrets
import signal
import socket
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlx.spark.daemon import PRELOAD_VARIABLE
from tlx.spark.errors import SparkStartError
from tlx.spark.isolation.files import tail
from tlx.spark.java import find_java_home
from tlx.spark.numpy_converter import make_lazy
from tlx.spark.secret_properties import flat_properties, is_secret_property, submitted_secretly
from tlx.texts.bounded import record_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark import SparkContext

_LOG4J = """rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
"""

JVM_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""A launcher's JVM hands out jobs and computes nothing: its optimising compiler and its collector
threads would take a third of its time from the jobs, on the same cores."""


@dataclass(frozen=True)
class SessionOptions:
    """What a session is started with.

    Args:
        master: Spark's master URL.
        conf: Further Spark properties.
        cpus_per_job: Cores of one task.
        start_timeout_s: Seconds for the master to be reached.
        preload: Modules that are imported before the workers are forked.
    """

    master: str
    conf: tuple[tuple[str, str], ...]
    cpus_per_job: int
    start_timeout_s: float
    preload: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether the workers are children of this program's own JVM."""
        return self.master.startswith("local[") or self.master == "local"

    @property
    def is_own_cluster(self) -> bool:
        """Whether everything runs on this machine and was started by this program."""
        return self.master.startswith("local")


@dataclass
class Session:
    """A running Spark.

    Args:
        context: Spark's context.
        options: What it was started with.
        log_file: Where the JVM and the workers write what they would write to the console.
        checked: The sweep folders that are known to be shared with the executors.
    """

    context: SparkContext
    options: SessionOptions
    log_file: Path
    checked: set[Path] = field(default_factory=set)

    def stop(self) -> None:
        """Stop Spark and its JVM, and wait for the end of it."""
        global _session
        _session = None
        gateway = self.context._gateway
        with contextlib.suppress(Exception):
            self.context.stop()
        _end_gateway(gateway)


_session: Session | None = None
_opening = threading.Lock()


def open_session(options: SessionOptions, log_file: Path | None = None) -> Session:
    """Return the program's Spark session, started once for the same options.

    Args:
        options: What to start it with; a session with other options is stopped.
        log_file: Where Spark writes. None: a temporary file.

    Raises:
        SparkStartError: Where Java is missing, or the master cannot be reached, or Spark fails.
    """
    global _session
    with _opening:
        if _session is not None and _session.options == options and _is_alive(_session):
            return _session
        if _session is not None:
            _session.stop()
        java_home = find_java_home()
        check_reachable(options.master, options.start_timeout_s)
        log_file = log_file or Path(tempfile.mkdtemp(prefix="tlx-spark-")) / "spark.log"
        _session = Session(_start(options, java_home, log_file), options, log_file)
        atexit.register(_session.stop)
        return _session


def check_reachable(master: str, timeout_s: float) -> None:
    """Check that a standalone master listens, which Spark itself tries for minutes.

    Raises:
        SparkStartError: Where none of the masters answers.
    """
    if not master.startswith("spark://"):
        return
    faults = []
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=timeout_s).close()
            return
        except (OSError, ValueError) as error:
            faults.append(f"{address}: {error}")
    raise SparkStartError(
        f"hydra.launcher.master={master}: no Spark master answers ({'; '.join(faults)}). "
        "Start it, correct the address, or leave the option out to run on this machine."
    )


def spark_properties(options: SessionOptions, log4j_file: Path) -> dict[str, str]:
    """Return the properties a session starts with; the user's own win.

    Args:
        options: What to start it with.
        log4j_file: How the JVM logs.
    """
    java_options = f"{JVM_OPTIONS} -Dlog4j.configurationFile=file:{log4j_file}"
    properties = {
        "spark.app.name": "tlx",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": java_options,
        "spark.task.cpus": str(options.cpus_per_job),
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(module_path()),
        "spark.python.worker.faulthandler.enabled": "false",
        # Closed to others, and without TCP's delayed acknowledgements: a job starts 30 ms sooner.
        "spark.python.unix.domain.socket.enabled": "true",
        "spark.python.daemon.module": "tlx.spark.daemon",
        f"spark.executorEnv.{PRELOAD_VARIABLE}": ",".join(options.preload),
        "spark.python.task.killTimeout": "1s",
        "spark.speculation": "false",  # a job writes to its folder: never two at once
    }
    if options.is_own_cluster:
        properties |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return properties | dict(options.conf)


def module_path() -> list[str]:
    """Return where this program finds its modules, as absolute folders."""
    entries = [str(Path(entry or ".").absolute()) for entry in sys.path]
    return list(dict.fromkeys(entries))


def _start(options: SessionOptions, java_home: Path, log_file: Path) -> SparkContext:
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    log_file.parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger("py4j").setLevel(logging.WARNING)  # it tells of each connection it closes
    log4j_file = Path(tempfile.mkdtemp(prefix="tlx-spark-")) / "log4j2.properties"
    log4j_file.write_text(_LOG4J, encoding="utf-8")
    properties = spark_properties(options, log4j_file)
    secret = {key: value for key, value in properties.items() if is_secret_property(key, value)}
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["JAVA_HOME"] = str(java_home)
    if options.is_own_cluster:
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    with log_file.open("ab") as log:
        try:
            jvm_conf = SparkConf(loadDefaults=False).setMaster(options.master)
            jvm_conf.setAll([item for item in properties.items() if item[0] not in secret])
            with submitted_secretly(secret):
                gateway: Any = launch_gateway(  # type: ignore[no-untyped-call]
                    jvm_conf, {"stdout": log, "stderr": log}
                )
        except Exception as error:
            raise _start_error(options, log_file, error) from error
    make_lazy(gateway)
    try:
        conf = SparkConf(_jvm=gateway.jvm).setMaster(options.master)
        conf.setAll([*properties.items(), *_secrets(options)])
        return _uninterrupted(lambda: SparkContext(conf=conf, gateway=gateway))
    except Exception as error:
        SparkContext._gateway = SparkContext._jvm = None
        _end_gateway(gateway)
        raise _start_error(options, log_file, error) from error


def _secrets(options: SessionOptions) -> list[tuple[str, str]]:
    """Return what closes Spark's ports to others; kept off the JVM's command line."""
    if not options.is_own_cluster or "spark.authenticate" in dict(options.conf):
        return []
    secret = secrets.token_urlsafe(32)
    return [("spark.authenticate", "true"), ("spark.authenticate.secret", secret)]


def _uninterrupted(start: Callable[[], SparkContext]) -> SparkContext:
    """Start the context, then take back Ctrl-C, for which Spark sets a handler of its own."""
    if threading.current_thread() is not threading.main_thread():
        return start()
    handler = signal.getsignal(signal.SIGINT)
    try:
        return start()
    finally:
        signal.signal(signal.SIGINT, handler)


def _start_error(options: SessionOptions, log_file: Path, error: Exception) -> SparkStartError:
    lines = [
        line for line in tail(log_file).splitlines() if re.search("ERROR|Exception|rror", line)
    ]
    detail = record_text(" ".join(" ".join(lines[-3:] or [str(error)]).split()), 600)
    return SparkStartError(
        f"hydra.launcher.master={options.master}: Spark does not start ({detail}). "
        f"See {log_file}; check hydra.launcher.master and hydra.launcher.conf."
    )


def _is_alive(session: Session) -> bool:
    try:
        return not session.context._jsc.sc().isStopped()
    except Exception:
        return False


def _end_gateway(gateway: Any) -> None:
    """Close the JVM's input, at which it ends, and wait for it."""
    with contextlib.suppress(Exception):
        gateway.shutdown()
    process = getattr(gateway, "proc", None)
    if process is None:
        return
    from pyspark import SparkContext

    if SparkContext._gateway is gateway:
        SparkContext._gateway = SparkContext._jvm = None
    with contextlib.suppress(Exception):
        process.stdin.close()
    try:
        process.wait(timeout=10)
    except Exception:
        process.kill()


def session_options(
    master: str,
    conf: Mapping[str, Any],
    cpus_per_job: int,
    start_timeout_s: float,
    preload: Sequence[str] = (),
) -> SessionOptions:
    """Return a session's options from the launcher's.

    Args:
        master: Spark's master URL.
        conf: Spark properties, nested (`spark: {executor: {memory: 4g}}`) or with dotted names.
        cpus_per_job: Cores of one task.
        start_timeout_s: Seconds for the master to be reached.
        preload: Modules that are imported before the workers are forked.
    """
    flat = tuple(sorted(flat_properties(conf).items()))
    return SessionOptions(master, flat, cpus_per_job, start_timeout_s, tuple(preload))
