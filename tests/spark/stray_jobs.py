"""Jobs that reach for what is not theirs; workers import them from here."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import stat
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig


def reach(cfg: DictConfig) -> Any:
    """Do what the configuration names."""
    return globals()[f"_{cfg.kind}"]()


def _nothing() -> str:
    return "well"


def _tell() -> dict[str, Any]:
    """Tell what this process was given."""
    atexit.register(_folder().joinpath("at_exit").touch)
    return {
        "descriptors": {number: _what(number) for number in _numbers()},
        "stdin": sys.stdin.read(),
        "mask": [int(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        "ignored": [int(one) for one in signal.valid_signals() if _is_ignored(one)],
        "spark": sorted(name for name in os.environ if name.startswith(("SPARK_", "PYTHON_"))),
        "drawn": float(np.random.random()),
    }


def _write_to_3_to_255() -> str:
    """Write to descriptors that it did not open."""
    for number in range(3, 256):
        _write(number)
    return "well"


def _write_to_all() -> str:
    for number in range(3, 4096):
        _write(number)
    return "well"


def _write_to_all_and_die() -> None:
    for number in range(3, 4096):
        _write(number)
    os._exit(5)


def _close_all() -> str:
    """Close everything, as daemons do, and use the numbers for files of its own."""
    os.closerange(3, 4096)
    kept = [os.open(_folder() / f"own-{number}", os.O_WRONLY | os.O_CREAT) for number in range(3)]
    os.dup2(kept[0], 1000)
    return "well"


def _leave_a_daemon() -> str:
    """Leave a process behind in a session of its own, which holds every descriptor."""
    daemonise()
    return "well"


def _leave_a_daemon_and_hang() -> None:
    daemonise()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.setpgid(0, os.getpgid(os.getppid()))  # out of the group that is signalled
    time.sleep(300)


def _leave_a_daemon_and_kill_the_worker() -> None:
    daemonise()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(300)


def _stop_the_worker() -> None:
    """Stop who watches this job, and hang."""
    (_folder() / "pids").write_text(f"{os.getpid()} {os.getppid()}")
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(300)


def daemonise() -> None:
    """Start a process that no group or session ties to this one, and note its number."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            (_folder() / "pids.new").write_text(str(os.getpid()))
            (_folder() / "pids.new").rename(_folder() / "pids")
            time.sleep(300)
        os._exit(0)
    while not (_folder() / "pids").exists():
        time.sleep(0.01)


def _write(number: int) -> None:
    with contextlib.suppress(OSError):
        os.write(number, b"not for you" * 7)


def _numbers() -> list[int]:
    return sorted(int(path.name) for path in Path("/proc/self/fd").iterdir())


def _what(number: int) -> str:
    try:
        about = os.fstat(number)
    except OSError:
        return "closed"
    for name, is_such in (("pipe", stat.S_ISFIFO), ("socket", stat.S_ISSOCK)):
        if is_such(about.st_mode):
            return name
    return "null" if about.st_rdev == Path(os.devnull).stat().st_rdev else "file"


def _is_ignored(signum: signal.Signals | int) -> bool:
    return signal.getsignal(signum) is signal.SIG_IGN


def _folder() -> Path:
    return Path(HydraConfig.get().runtime.output_dir)
