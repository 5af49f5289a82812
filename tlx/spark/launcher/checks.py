"""What has to be right before the first job: executors, versions, the shared folder."""

from __future__ import annotations

import contextlib
import platform
import sys
import threading
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tlx.spark.errors import SparkStartError

if TYPE_CHECKING:
    from pyspark import SparkContext

    from tlx.spark.session import Session

PACKAGES = ("torch", "hydra-core")


def check_session(session: Session, folder: Path) -> None:
    """Check that jobs can run: each fault has its own message.

    Args:
        session: A started Spark.
        folder: The sweep's folder.

    Raises:
        SparkStartError: Where no executor registers in time, where Python, torch, Hydra or tlx
            differ from the driver's, or where the folder is not the same one on the executors.
    """
    wait_for_executor(session)
    check_executor(ask_executor(session, folder), folder, session.options.master)


def wait_for_executor(session: Session) -> None:
    """Wait until an executor has registered, which Spark itself would do forever.

    Raises:
        SparkStartError: Where none has within `start_timeout_s`.
    """
    options = session.options
    if options.is_local:
        return
    ends = time.monotonic() + options.start_timeout_s
    while executors(session.context) == 0:
        if time.monotonic() > ends:
            raise SparkStartError(
                f"hydra.launcher.master={options.master}: no executor registered within "
                f"start_timeout_s={options.start_timeout_s:g}. Check that workers run and have "
                f"free cores and memory for hydra.launcher.conf; Spark's words: {session.log_file}."
            )
        time.sleep(0.1)


def executors(context: SparkContext) -> int:
    """Return how many executors have registered, the driver not counted."""
    return int(context._jsc.sc().statusTracker().getExecutorInfos().__len__()) - 1


def ask_executor(session: Session, folder: Path) -> dict[str, Any]:
    """Let an executor tell its versions, and read and write in the sweep's folder.

    Raises:
        SparkStartError: Where its Python does not answer.
    """
    token = uuid4().hex[:12]
    ours = folder / f".tlx-driver-{token}"
    ours.write_text(token, encoding="utf-8")
    try:
        answer = _in_time(session, str(folder), token)
        theirs = folder / f".tlx-executor-{token}"
        answer["seen_by_driver"] = theirs.is_file()
        theirs.unlink(missing_ok=True)
        return answer
    finally:
        ours.unlink(missing_ok=True)


def check_executor(answer: dict[str, Any], folder: Path, master: str) -> None:
    """Compare an executor's answer with this program.

    Args:
        answer: What `describe` returned there, with `seen_by_driver`.
        folder: The sweep's folder.
        master: Spark's master URL, for the messages.

    Raises:
        SparkStartError: For the first difference.
    """
    for name, version in versions().items():
        other = answer["versions"].get(name)
        if other != version:
            raise SparkStartError(
                f"hydra.launcher.master={master}: executors have {name} {other or 'not at all'}, "
                f"this program has {version}. Install the same version on both: a sweep over "
                "different versions compares nothing."
            )
    if answer["write_error"]:
        raise SparkStartError(
            f"hydra.sweep.dir={folder}: executor {answer['host']} cannot write there "
            f"({answer['write_error']}). Choose a folder that it may write to."
        )
    if not (answer["saw_driver"] and answer["seen_by_driver"]):
        raise SparkStartError(
            f"hydra.sweep.dir={folder}: executor {answer['host']} has another folder by this "
            "name. Choose a folder on a file system that driver and executors share."
        )


def describe(folder: str, token: str) -> dict[str, Any]:
    """Return, on an executor, its versions and whether it shares the sweep's folder."""
    fault = ""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, f".tlx-executor-{token}").write_text(token, encoding="utf-8")
    except OSError as error:
        fault = f"{type(error).__name__}: {error}"
    return {
        "versions": versions(),
        "host": platform.node(),
        "write_error": fault,
        "saw_driver": Path(folder, f".tlx-driver-{token}").is_file(),
    }


def versions() -> dict[str, str]:
    """Return the versions that must agree, torch's without importing it."""
    from tlx import __version__

    found = {"Python": ".".join(map(str, sys.version_info[:2])), "tlx": __version__}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _in_time(session: Session, folder: str, token: str) -> dict[str, Any]:
    """Run `describe` on an executor, for at most `start_timeout_s`."""
    answers: list[Any] = []
    thread = threading.Thread(target=_ask, args=(session.context, folder, token, answers))
    thread.daemon = True
    thread.start()
    thread.join(session.options.start_timeout_s)
    options = session.options
    if not answers:
        session.context.cancelJobGroup("tlx-check")
        raise SparkStartError(
            f"hydra.launcher.master={options.master}: an executor did not answer within "
            f"start_timeout_s={options.start_timeout_s:g}. Spark's words: {session.log_file}."
        )
    if isinstance(answers[0], Exception):
        lines = [line.strip() for line in str(answers[0]).splitlines() if "Error" in line]
        detail = (lines or [type(answers[0]).__name__])[-1]
        raise SparkStartError(
            f"hydra.launcher.master={options.master}: Python on an executor fails ({detail}). "
            f"It runs {sys.executable}, which has to be there too, with tlx installed. "
            f"Spark's words: {session.log_file}."
        )
    answer: dict[str, Any] = answers[0]
    return answer


def _ask(context: SparkContext, folder: str, token: str, answers: list[Any]) -> None:
    try:
        context.setJobGroup("tlx-check", "tlx: versions and shared folder")
        task = context.parallelize([(folder, token)], 1)
        answers.append(task.map(lambda given: describe(*given)).first())
    except Exception as error:
        answers.append(error)
