"""The job of the benchmark: nothing, or some seconds of training on one thread."""

from __future__ import annotations

import json
import time
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

TIMES_FILE = "times.json"


def run(cfg: DictConfig) -> float:
    """Do a job's work, and write when it began and ended into the job's folder.

    Args:
        cfg: `steps` of training; 0 for an empty job.

    Returns:
        The last loss, 0 of an empty job.
    """
    entered = time.time()
    loss, job_s = train(int(cfg.steps)) if cfg.steps else (0.0, 0.0)
    times = {"entered": entered, "ended": time.time(), "job_s": job_s}
    folder = Path(HydraConfig.get().runtime.output_dir)
    (folder / TIMES_FILE).write_text(json.dumps(times), encoding="utf-8")
    return loss


def train(steps: int) -> tuple[float, float]:
    """Train a small convolutional network on made-up images; the same work each time.

    The import of torch is not part of the time: where each job has to import it anew, that is
    the launcher's overhead.

    Args:
        steps: Steps of SGD with batches of 64 images of 8 x 8 pixels.

    Returns:
        The last loss (nats), and the seconds of training.
    """
    import torch
    import torch._dynamo  # the first optimizer would import it, for more than a second
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    began = time.perf_counter()
    images, labels = torch.randn(64, 1, 8, 8), torch.randint(10, (64,))
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss = torch.zeros(())
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return float(loss.detach()), time.perf_counter() - began


def steps_for(seconds: float, trial_steps: int = 500) -> int:
    """Return how many steps take about so long on this machine, alone on one thread."""
    train(trial_steps)  # warms up
    _, trial_s = train(trial_steps)
    return max(1, round(trial_steps * seconds / trial_s))
