"""Jobs that end in every way a job can end; workers import them from here."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig


class TwoArgumentsError(Exception):
    """An exception that can be pickled, but not read again."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")


class UnpicklableError(Exception):
    """An exception that holds what cannot be pickled."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


def end(cfg: DictConfig) -> Any:
    """End as the configuration asks."""
    print("about to", cfg.kind, flush=True)
    return globals()[f"_{cfg.kind}"](cfg)


def square(cfg: DictConfig) -> float:
    return float(cfg.x) ** 2


def about(cfg: DictConfig) -> dict[str, Any]:
    """Tell what a job sees of its surroundings."""
    hydra = HydraConfig.get()
    return {
        "cwd": os.getcwd(),  # noqa: PTH109
        "variable": os.environ.get("TLX_TEST_VARIABLE"),
        "output": hydra.runtime.output_dir,
        "original_cwd": hydra.runtime.cwd,
        "number": hydra.job.num,
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "omp": os.environ.get("OMP_NUM_THREADS"),
        "threads": torch_threads(),
        "x": cfg.x,
        "pid": os.getpid(),
        "group": os.getpgid(0),
        "worker": os.getppid(),
    }


def torch_threads() -> int | None:
    """Return how many threads torch uses here, where it is loaded."""
    torch = sys.modules.get("torch")
    return None if torch is None else int(torch.get_num_threads())


def train_in_steps(cfg: DictConfig) -> int:
    """Write where it stands; with `resume`, go on from there."""
    return _steps(Path(HydraConfig.get().runtime.output_dir), 0)


def _return(cfg: DictConfig) -> dict[str, float]:
    return {"score": 1.5}


def _raise(cfg: DictConfig) -> None:
    raise ValueError("a bad value")


def _two(cfg: DictConfig) -> None:
    raise TwoArgumentsError(7, "lost on the way")


def _unpicklable_exception(cfg: DictConfig) -> None:
    raise UnpicklableError("with a lock")


def _unpicklable_return(cfg: DictConfig) -> Any:
    return open(os.devnull)  # noqa: PTH123


def _large_return(cfg: DictConfig) -> bytes:
    return bytes(3_000_000)


def _exit(cfg: DictConfig) -> None:
    os._exit(17)


def _kill(cfg: DictConfig) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _segfault(cfg: DictConfig) -> None:
    ctypes.string_at(0)


def _sys_exit(cfg: DictConfig) -> None:
    sys.exit(3)


def _sys_exit_zero(cfg: DictConfig) -> None:
    sys.exit()


def _leave_when_stopped(cfg: DictConfig) -> None:
    """Hang, and leave without a fault when asked to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    time.sleep(300)


def _out_of_memory(cfg: DictConfig) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))
    bytearray(4_000_000_000)


def _hang(cfg: DictConfig) -> None:
    """Leave a process behind, ignore every plea, and hang."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "300"])
    folder = Path(HydraConfig.get().runtime.output_dir)
    (folder / "pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(300)


def _tidy(cfg: DictConfig) -> None:
    """Hang, and tidy up when asked to stop."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    (folder / "pids").write_text(f"{os.getpid()}")
    try:
        time.sleep(300)
    finally:
        (folder / "tidied").touch()


def _steps(folder: Path, first: int) -> int:
    for step in range(first, 4):
        (folder / "steps").write_text(str(step))
    return first


def nap(cfg: DictConfig) -> float:
    """Take a moment, so that something can happen meanwhile."""
    print("napping", flush=True)
    time.sleep(1.5)
    return float(cfg.x)


def resume(folder: Path) -> int:
    """Go on with `train_in_steps`."""
    return _steps(folder, int((folder / "steps").read_text()))


class Witness(Callback):
    """A Hydra callback that writes down what it is told, and where."""

    def __init__(self, file: str) -> None:
        self.file = file

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        self._tell(f"start {config.hydra.job.num}")

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        self._tell(f"end {config.hydra.job.num} {job_return.status.name}")

    def _tell(self, text: str) -> None:
        with Path(self.file).open("a") as file:
            file.write(f"{text}\n")
