"""The commands whose time is taken, and how it is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tlx.config.typed.quoting import quoted

IMPORTS = "import torch, torchvision, pytorch_lightning"
FIRST_STEP = "experiments.benchmarks.cold_start.first_step"
COMMANDS: dict[str, Sequence[str]] = {
    IMPORTS: ("-c", IMPORTS),
    "tlx.train --help": ("-m", "tlx.train", "--help"),
    "tlx.train --cfg job": ("-m", "tlx.train", "--cfg", "job"),
    "first step, empty store": ("-m", FIRST_STEP),
    "first step, filled store": ("-m", FIRST_STEP),
    "whole default job, empty store": ("-m", "tlx.train"),
    "whole default job, filled store": ("-m", "tlx.train"),
}


def seconds_of(name: str, folder: Path, threads: int) -> tuple[float, float]:
    """Run one command and return its wall seconds and its CPU seconds.

    Args:
        name: Of `COMMANDS`.
        folder: Where it may write; what it keeps there serves later calls as a filled store.
        threads: CPU threads.
    """
    own = Path(tempfile.mkdtemp(dir=folder))
    command = [sys.executable, *COMMANDS[name]]
    if "tlx.train" in command[-1] or FIRST_STEP in command:
        command.append(f"hydra.run.dir={quoted(str(own / 'run'))}")
    store = (own if "empty" in name else folder) / "activations"
    environment = os.environ | {"TLX_ACTIVATIONS": str(store), "OMP_NUM_THREADS": str(threads)}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{name} failed:\n{said.decode(errors='replace')[-2000:]}")
    return seconds, usage.ru_utime + usage.ru_stime
