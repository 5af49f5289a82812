"""What a fit changes in its process is put back: random states, threads, modes, logging."""

from __future__ import annotations

import logging
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

LOGGERS = (
    "tlx", "pytorch_lightning", "lightning.pytorch", "lightning_fabric", "matplotlib",
)  # fmt: skip
VARIABLES = ("PL_GLOBAL_SEED", "PL_SEED_WORKERS", "CUBLAS_WORKSPACE_CONFIG", "PYTHONHASHSEED")


@contextmanager
def left_as_found(*, verbose: bool) -> Iterator[None]:
    """Leave the process's global state as it was before the block.

    Args:
        verbose: Whether the block may draw bars and warn of what Lightning finds remarkable.
    """
    from tlx.progress import without_bars

    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        for kept in (_levels(), _variables(), _random_states(), _torch_modes()):
            stack.enter_context(kept)
        if not verbose:
            warnings.filterwarnings("ignore", module=r"(pytorch_lightning|lightning_fabric)\b")
            stack.enter_context(without_bars())
        yield


@contextmanager
def _levels() -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in LOGGERS}
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def _variables() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in VARIABLES}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _random_states() -> Iterator[None]:
    import torch

    python, numpy = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextmanager
def _torch_modes() -> Iterator[None]:
    import torch

    threads, debug_mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    cudnn = torch.backends.cudnn
    flags = (cudnn.benchmark, cudnn.deterministic)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(debug_mode)
        cudnn.benchmark, cudnn.deterministic = flags
