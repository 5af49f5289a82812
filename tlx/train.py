"""`python -m tlx.train`: transfer model A to a target task."""

from __future__ import annotations

from omegaconf import DictConfig

from tlx.config.command_line import run_command
from tlx.config.help_page import CommandHelp
from tlx.config.job import PRELOAD, hydra_job
from tlx.config.run import resume, train

HELP = CommandHelp(
    name="python -m tlx.train",
    purpose=(
        "Train model B on a target task, starting from model A which was trained on a source "
        "task. Each run gets a folder of its own under outputs/ with its metrics, weights, "
        "predictions and pictures."
    ),
    examples=(
        ("strategy=partial", "retrain the last stage and a new head of the shipped model A"),
        ("strategy=feature_extraction data.train_per_class=5", "new head only, 5 labels a class"),
        (
            "strategy=structure_reuse backbone=resnet18 trainer.epochs=10",
            "all weights of a ResNet-18, from torchvision's ImageNet weights",
        ),
        (
            "-m strategy=feature_extraction,partial seed=0,1,2",
            "six runs: two strategies, three seeds each",
        ),
        ("resume=outputs/2026-01-31/12-00-00-1a2b3c", "go on with an interrupted run"),
    ),
)
SWEEP_HOOKS = "tlx.config.sweep_hooks"
__all__ = ["PRELOAD", "resume", "train"]


def main() -> None:
    """Run the command line."""
    run_command(job, HELP, resume=resume)


def job(cfg: DictConfig) -> float:
    """Train as Hydra asks, in the folder that Hydra gives.

    Returns:
        The validation accuracy of the chosen epoch, or R2 of a regression, for a sweeper to
        maximise; of an experiment of several runs, what it says.
    """
    from tlx.config.builders import made_experiment

    experiment = made_experiment(cfg)
    start = train if experiment is None else experiment.run
    return start(cfg, *hydra_job("tlx.train", cfg))


if __name__ == "__main__":
    main()
