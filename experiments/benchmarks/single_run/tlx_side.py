"""The work as tlx does it: its main job, from the configuration to the last picture."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

from experiments.benchmarks.made_up.images import CONFIG_DIR, SEARCH_PATH
from experiments.benchmarks.single_run.workload import BACKBONE, Measured, Workload
from tlx.config.typed.quoting import quoted


def overrides_of(work: Workload) -> list[str]:
    """Return what a user would type for the workload."""
    strategy = ["strategy=partial", "strategy.train_stages=1"]
    return [
        SEARCH_PATH,
        "data=made_up",
        f"data.train_size={work.train_images}",
        f"data.val_size={work.val_images}",
        f"data.test_size={work.test_images}",
        f"backbone={BACKBONE}",
        f"backbone.weights={quoted(str(work.weights))}",
        f"backbone.image_size={work.image_size}",
        *(strategy if work.trains_last_stage else ["strategy=feature_extraction"]),
        f"trainer.epochs={work.epochs}",
        f"trainer.batch_size={work.batch_size}",
        f"trainer.threads={work.threads}",
        f"optimizer.lr={work.learning_rate}",
        f"optimizer.weight_decay={work.weight_decay}",
        f"loss.label_smoothing={work.label_smoothing}",
        f"activations.folder={quoted(str(Path(work.folder) / 'activations'))}",
    ]


def measure(work: Workload) -> Measured:
    """Run the main job, with an empty activation store.

    Returns:
        `seconds` of the job, its `test_accuracy`, and `phases`: the job's own times.
    """
    import pytorch_lightning  # noqa: F401 - imports are no part of the time, on no side

    from tlx.config.composition import compose_config
    from tlx.train import train
    from tlx.training import evaluation, fit  # noqa: F401

    logging.getLogger("tlx").setLevel(logging.INFO)
    folder = Path(work.folder) / "run"
    began = time.perf_counter()
    train(compose_config(overrides_of(work)), folder, config_dirs=[CONFIG_DIR])
    seconds = time.perf_counter() - began
    result = json.loads((folder / "result.json").read_text())
    accuracy = result["metrics"]["test"]["accuracy"]
    return {"seconds": seconds, "test_accuracy": accuracy, "phases": result["seconds"]}
