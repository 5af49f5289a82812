"""One Spark session for a sweep: started when it is needed, quiet, and closed to others."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import re
import secrets
import signal
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlx.spark.class_archive import archive_file, archive_option, make_in_background
from tlx.spark.daemon import PRELOAD_VARIABLE
from tlx.spark.errors import SparkStartError
from tlx.spark.isolation.files import tail
from tlx.spark.java import find_java_home
from tlx.spark.jvm import Jvm
from tlx.spark.masters import check_reachable
from tlx.spark.numpy_converter import make_lazy
from tlx.spark.scratch import Scratch
from tlx.spark.secret_properties import flat_properties, is_secret_property, submitted_secretly
from tlx.texts.bounded import record_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark import SparkContext

log = logging.getLogger("tlx")

LOG4J_FILE = "log4j2.properties"
_LOG4J = """rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
"""

ABORT_S = 2.0
"""Most seconds for a start to end whose JVM was killed."""

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
        jvm: Its process.
        scratch: Its temporary folder.
        java_home: The folder of its Java.
        checked: The sweep folders that are known to be shared with the executors.
    """

    context: SparkContext
    options: SessionOptions
    log_file: Path
    jvm: Jvm
    scratch: Scratch
    java_home: Path
    checked: set[Path] = field(default_factory=set)

    def stop(self) -> None:
        """Stop Spark and its JVM, and wait for the end of it."""
        global _session
        _session = None
        gateway = self.context._gateway
        with contextlib.suppress(Exception):
            self.context.stop()
        _end(gateway, self.jvm, self.scratch)

    def leave(self) -> None:
        """End the JVM at this program's end; it stops Spark by itself, or is killed."""
        self._expect_the_end()
        self.jvm.end()
        _prepare_next(self.java_home)
        self.scratch.remove()

    def _expect_the_end(self) -> None:
        """Let PySpark's server for accumulators tell nothing of a JVM that hangs up."""
        server: Any = self.context._accumulatorServer
        server.handle_error = lambda *_: None


@dataclass
class _Opening:
    """A Spark that is being started.

    Args:
        jvm: Its process, once there is one.
        ended: Set when it has started, or will not.
    """

    jvm: Jvm = field(default_factory=Jvm)
    ended: threading.Event = field(default_factory=threading.Event)


_session: Session | None = None
_opened: _Opening | None = None
_opening = threading.Lock()


def open_session(options: SessionOptions, log_file: Path) -> Session:
    """Return the program's Spark session, started once for the same options.

    Args:
        options: What to start it with; a session with other options is stopped.
        log_file: Where Spark writes.

    Raises:
        SparkStartError: Where Java is missing, or the master cannot be reached, or Spark fails.
    """
    global _session, _opened
    with _opening:
        if _session is not None and _session.options == options and _is_alive(_session):
            return _session
        atexit.unregister(_leave)
        atexit.register(_leave)
        opening = _opened = _Opening()
        try:
            if _session is not None:
                _session.stop()
            _session = _started(options, log_file, opening.jvm)
            return _session
        finally:
            _opened = None
            opening.ended.set()


def abort() -> None:
    """Give up a Spark that is just starting: its JVM is killed. One that has started stays."""
    opening = _opened
    if opening is not None:
        opening.jvm.abort()
        opening.ended.wait(ABORT_S)


def _leave() -> None:
    """Leave nothing behind at the program's end, however often Ctrl-C is pressed meanwhile."""
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _opened is not None:
        abort()
    if _session is not None:
        _session.leave()


def spark_properties(
    options: SessionOptions, scratch: Path, archive: Path | None = None
) -> dict[str, str]:
    """Return the properties a session starts with; the user's own win.

    Args:
        options: What to start it with.
        scratch: The folder for Spark's temporary files; it says how the JVM logs.
        archive: Spark's classes as an earlier JVM left them, where there is such a file.
    """
    java_options = (
        f"{JVM_OPTIONS}{archive_option(archive)} "
        f"-Dlog4j.configurationFile=file:{scratch / LOG4J_FILE} "
        f"-Djava.io.tmpdir={scratch} -XX:ErrorFile={scratch / 'java_error.log'}"
    )
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
        properties["spark.local.dir"] = str(scratch)
    return properties | dict(options.conf)


def module_path() -> list[str]:
    """Return where this program finds its modules, as absolute folders."""
    entries = [str(Path(entry or ".").absolute()) for entry in sys.path]
    return list(dict.fromkeys(entries))


class _DamagedArchiveError(SparkStartError):
    """The JVM crashed with an archive of classes."""


def _started(options: SessionOptions, log_file: Path, jvm: Jvm) -> Session:
    """Start Spark; where its JVM crashes with an archive of classes, once more without it."""
    try:
        return _attempt(options, log_file, jvm)
    except _DamagedArchiveError as error:
        log.warning("%s", error)
        return _attempt(options, log_file, jvm, is_archived=False)


def _attempt(
    options: SessionOptions, log_file: Path, jvm: Jvm, *, is_archived: bool = True
) -> Session:
    """Start Spark; what was begun and failed is ended and removed."""
    scratch = Scratch()
    gateway: Any = None
    archive: Path | None = None
    try:
        java_home = find_java_home(folder=scratch.folder)
        check_reachable(options.master, options.start_timeout_s)
        log_file.parent.mkdir(parents=True, exist_ok=True)
        os.environ["JAVA_HOME"] = str(java_home)
        archive = archive_file(java_home, JVM_OPTIONS) if is_archived else None
        properties = spark_properties(options, scratch.folder, archive)
        gateway = _launched(options, properties, log_file, jvm, scratch)
        make_lazy(gateway)
        context = _context(options, properties, gateway)
        return Session(context, options, log_file, jvm, scratch, java_home)
    except BaseException as error:
        _end(gateway, jvm, scratch)
        if isinstance(error, SparkStartError) or not isinstance(error, Exception):
            raise
        if jvm.has_crashed and archive is not None and archive_option(archive):
            archive.unlink(missing_ok=True)
            told = f"Spark's JVM crashed with its archive of classes, which is removed: {archive}"
            raise _DamagedArchiveError(told) from error
        raise _start_error(options, log_file, error) from error


def _launched(
    options: SessionOptions,
    properties: Mapping[str, str],
    log_file: Path,
    jvm: Jvm,
    scratch: Scratch,
) -> Any:
    """Start the JVM and return the gateway to it."""
    from pyspark import SparkConf
    from pyspark.java_gateway import launch_gateway

    logging.getLogger("py4j").setLevel(logging.WARNING)  # it tells of each connection it closes
    (scratch.folder / LOG4J_FILE).write_text(_LOG4J, encoding="utf-8")
    secret = {key: value for key, value in properties.items() if is_secret_property(key, value)}
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    if options.is_own_cluster:
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    conf = SparkConf(loadDefaults=False).setMaster(options.master)
    conf.setAll([item for item in properties.items() if item[0] not in secret])
    streams: dict[str, Any]
    with (
        log_file.open("ab") as log,
        submitted_secretly(secret, scratch.folder),
        jvm.taken(scratch.folder),
    ):
        streams = {"stdout": log, "stderr": log}
        return launch_gateway(conf, streams)  # type: ignore[no-untyped-call]


def _context(options: SessionOptions, properties: Mapping[str, str], gateway: Any) -> SparkContext:
    from pyspark import SparkConf, SparkContext

    conf = SparkConf(_jvm=gateway.jvm).setMaster(options.master)
    conf.setAll([*properties.items(), *_secrets(options)])
    return _uninterrupted(lambda: SparkContext(conf=conf, gateway=gateway))


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


def _prepare_next(java_home: Path) -> None:
    """Let the next Spark start sooner: its classes are archived while nobody waits."""
    archive = archive_file(java_home, JVM_OPTIONS)
    if archive is not None and make_in_background(archive, JVM_OPTIONS):
        log.info("Spark's classes are archived in the background, for later starts: %s", archive)


def _is_alive(session: Session) -> bool:
    try:
        return not session.context._jsc.sc().isStopped()
    except Exception:
        return False


def _end(gateway: Any, jvm: Jvm, scratch: Scratch) -> None:
    """Close the JVM's input, at which it ends, wait for it, and remove its files."""
    from pyspark import SparkContext

    if gateway is not None:
        with contextlib.suppress(Exception):
            gateway.shutdown()
        if SparkContext._gateway is gateway:
            SparkContext._gateway = SparkContext._jvm = None
    jvm.end()
    scratch.remove()


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
