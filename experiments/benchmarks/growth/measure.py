"""Time and peak memory of one point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.benchmarks.growth.memory import tree_mb
from experiments.benchmarks.growth.one import MEASURED_FILE
from experiments.benchmarks.growth.points import Point
from experiments.benchmarks.made_up.images import SEARCH_PATH
from tlx.config.typed.quoting import quoted

ONE = "experiments.benchmarks.growth.one"
HELD_OUT = 200
SAMPLE_EVERY_S = 0.1


def measure(point: Point, weights: Path, slots: int, folder: Path) -> dict[str, float]:
    """Run one point with an empty activation store.

    Args:
        point: What to run.
        weights: The state dict of model A, a ResNet-18.
        slots: CPU threads of a run alone and of a bank; on Spark, jobs at a time.
        folder: Where to write; must not exist.

    Returns:
        `process_s` (the whole command), `seconds` (without the imports; on Spark the whole
        command) and `peak_mb` of all its processes together.
    """
    folder.mkdir(parents=True)
    on_spark = point.kind == "jobs on Spark"
    command = _command(point, weights, 1 if on_spark else slots, folder)
    if on_spark:
        command.append(f"hydra.launcher.master='local[{slots}]'")
    process_s, peak_mb = _watched(command, 1 if on_spark else slots, folder)
    told = {"seconds": process_s}
    if not on_spark:
        told = json.loads((folder / MEASURED_FILE).read_text())
    return {"process_s": process_s, "seconds": told["seconds"], "peak_mb": peak_mb}


def _command(point: Point, weights: Path, threads: int, folder: Path) -> list[str]:
    fixed = [
        SEARCH_PATH,
        *("data=made_up", f"data.train_size={point.images}"),
        *(f"data.val_size={HELD_OUT}", f"data.test_size={HELD_OUT}"),
        *(
            "backbone=resnet18",
            f"backbone.weights={quoted(str(weights))}",
            "backbone.image_size=32",
        ),
        *("strategy=feature_extraction", f"trainer.epochs={point.epochs}"),
        *(
            f"trainer.threads={threads}",
            f"activations.folder={quoted(str(folder / 'activations'))}",
        ),
    ]
    swept = [f"{name}={','.join(map(str, values))}" for name, values in point.swept.items()]
    if point.kind == "jobs on Spark":
        places = ["hydra/launcher=spark", f"hydra.sweep.dir={quoted(str(folder / 'sweep'))}"]
        return ["tlx.train", "-m", *fixed, *places, *swept]
    return [ONE, str(folder), *fixed, "--", *(swept if point.jobs > 1 else [])]


def _watched(command: Sequence[str], threads: int, folder: Path) -> tuple[float, float]:
    began, peak_mb = time.perf_counter(), 0.0
    with (folder / "console.log").open("wb") as console:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            stdout=console,
            stderr=console,
        )
        while process.poll() is None:
            peak_mb = max(peak_mb, tree_mb(process.pid))
            try:
                process.wait(timeout=SAMPLE_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError((folder / "console.log").read_text()[-2000:])
    return seconds, peak_mb
