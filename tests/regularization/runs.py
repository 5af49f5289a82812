"""Short runs with a regulariser, over the shipped model A."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from tlx.config.composition import compose_config
from tlx.train import train

CHOICES = (
    "co_tuning",
    "feature_distillation",
    "fisher_l2_sp",
    "l2_sp",
    "relation_distillation",
)
SMALL = (
    "backbone.image_size=32",
    "data.train_per_class=3",
    "data.val_per_class=2",
    "data.test_fraction=0.05",
    "trainer.batch_size=16",
    "trainer.epochs=2",
    "trainer.threads=1",
)


def run(folder: Path, *words: str) -> None:
    """Run the main job in this process, with a store of its own."""
    train(compose_config([*SMALL, store_of(folder), *words]), folder)


def fitted(folder: Path, *words: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Do what a run does until its fit has ended, without scores and pictures.

    Returns:
        The history, and what the activation store was used for.
    """
    from tlx.activations.serve import serve
    from tlx.config.builders import checked_plan
    from tlx.runs.run import Run
    from tlx.training import fit
    from tlx.training.run import build_model_a

    plan = checked_plan(compose_config([*SMALL, store_of(folder), *words]))
    task = plan.data.load()
    module = plan.strategy.apply(build_model_a(plan, task), plan.training_for(task))
    fitting = fit.prepare(plan, task, module, Run.start(folder))
    assert isinstance(fitting, fit.Fit)
    served = serve(plan.activations, task, module, fitting.compute, plan.trainer.epochs)
    fitting.on_cached(served).run()
    served.release()
    return history(folder), served.record


def store_of(folder: Path) -> str:
    """Return the override that keeps a run's store beside its folder."""
    return f"activations.folder={folder.parent / 'activations'}"


def history(folder: Path) -> pd.DataFrame:
    """Return a run's `metrics.csv`."""
    return pd.read_csv(folder / "metrics.csv")
