"""A job in a fresh process, where a fork is not safe: it imports everything itself."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tlx.spark.isolation.files import log_files
from tlx.spark.isolation.inherited import forget_spark
from tlx.spark.isolation.orphans import children
from tlx.spark.isolation.supervise import supervise
from tlx.spark.isolation.task import JobTask

_PROGRAM = "from tlx.spark.isolation.child import main; main()"


def run_fresh(task: JobTask) -> dict[str, Any]:
    """Run a job in a fresh Python and return its end as an envelope's fields.

    Args:
        task: What to run.
    """
    known = children(os.getpid())
    reading, writing = os.pipe()
    own_path = str(Path(__file__).resolve().parents[3])
    paths = [*task.sys_path, own_path, os.environ.get("PYTHONPATH", "")]
    environment = dict(os.environ)
    forget_spark(environment)
    environment |= task.environment
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(task.threads))
    _, errors = log_files(Path(task.folder), task.attempt)
    with tempfile.TemporaryFile() as given, errors.open("ab") as log:
        given.write(pickle.dumps(task.to_builtins()))
        given.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(writing), str(os.getpid()), str(reading)],
            stdin=given,
            stdout=log,
            stderr=log,
            env=environment,
            pass_fds=(writing,),
            start_new_session=True,
        )
    try:
        return supervise(process.pid, (reading, writing), task, known)
    finally:
        process.returncode = 0  # `supervise` has waited for it
