"""What Hydra knows of the job it has started."""

from __future__ import annotations

import shlex
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from tlx.spark.hydra_files import redact_job_files
from tlx.texts.redaction import redact_argument

PRELOAD = (
    "torch._dynamo",  # an optimizer would import it, for more than a second
    "sklearn.datasets",
    "sklearn.metrics",
    "tlx.config.builders",
    "tlx.training.fit",
    "tlx.training.evaluation",
    "tlx.activations.serve",
    "tlx.config.head_bank",
    "tlx.config.sweep_hooks",
)
"""Where the training commands spend the time of their imports: their `PRELOAD`."""


def hydra_job(module: str, cfg: DictConfig) -> tuple[Path, str]:
    """Return a job's folder, and the command line that runs this one job again.

    What Hydra has written into the folder is left without secrets, as the command is.

    Args:
        module: The command's module (`tlx.train`).
        cfg: The job's configuration.
    """
    hydra = HydraConfig.get()
    asked = [redact_argument(str(text)) for text in hydra.overrides.task]
    folder = Path(hydra.runtime.output_dir)
    redact_job_files(cfg, folder)
    return folder, shlex.join(["python", "-m", module, *asked])
