"""What Hydra knows of the job it has started."""

from __future__ import annotations

import shlex
from pathlib import Path

from hydra.core.hydra_config import HydraConfig


def hydra_job(module: str) -> tuple[Path, str]:
    """Return a job's folder, and the command line that runs this one job again.

    Args:
        module: The command's module (`tlx.train`).
    """
    hydra = HydraConfig.get()
    command = shlex.join(["python", "-m", module, *hydra.overrides.task])
    return Path(hydra.runtime.output_dir), command
