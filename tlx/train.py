"""`python -m tlx.train`: transfer model A to a target task.

Reads top to bottom: check -> data -> model A -> strategy -> fit -> test -> record.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from tlx.config.command_line import run_command
from tlx.config.help_page import CommandHelp

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.config.plan import Plan
    from tlx.data.task import ImageTask
    from tlx.runs.run import Run
    from tlx.strategies.transfer_module import TransferModule
    from tlx.training.fit import Fit
    from tlx.training.solve import Solve

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
SWEEP_HOOKS = "tlx.banks.hooks"
FEATURE_DIMENSIONS = 2
log = logging.getLogger("tlx")


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
    from tlx.config.job import hydra_job

    experiment = made_experiment(cfg)
    start = train if experiment is None else experiment.run
    return start(cfg, *hydra_job("tlx.train", cfg))


def train(cfg: DictConfig, folder: Path, command: str = "") -> float:
    """Train as a configuration says, in a folder which holds no run yet.

    Args:
        cfg: The composed configuration, without Hydra's own part.
        folder: The run's folder.
        command: The command line that runs this again, for the record.

    Returns:
        The validation accuracy, or R2, of the chosen epoch.

    Raises:
        ConfigError: With every fault of the configuration, before any work.
        TlxError: Where the folder holds a run already, or the training fails.
    """
    from tlx.config.builders import checked_plan
    from tlx.config.record import config_text, say_redacted
    from tlx.runs.run import Run

    plan = checked_plan(cfg)
    run = Run.start(folder, command, config_text(cfg))
    say_redacted(cfg)
    return execute(plan, run)


def resume(
    folder: Path, given: DictConfig | None = None, config_dirs: Sequence[Path] = ()
) -> float:
    """Go on with an interrupted run, from its last checkpoint and by its own configuration.

    Args:
        folder: The run's folder.
        given: Holds the options whose secrets the run's files do not keep.
        config_dirs: Configuration folders that it was started with, besides the installed ones.
    """
    from tlx.config.builders import checked_plan
    from tlx.config.given_again import with_secrets
    from tlx.config.record import load_config
    from tlx.data.table_preparation import check_reading_kept
    from tlx.reports.log import log_to
    from tlx.runs.run import Run

    check_reading_kept(folder)
    plan = checked_plan(with_secrets(load_config(folder, config_dirs), folder, given))
    run = Run.resume(folder)
    log_to(folder)
    return execute(plan, run)


def execute(plan: Plan, run: Run) -> float:
    """Carry out a plan: every phase in order, each timed, the end recorded whatever it is."""
    from tlx.activations.serve import serve
    from tlx.augmentation.views import with_views
    from tlx.data.loaded import loaded
    from tlx.loggers.observed import observed
    from tlx.training import fit, outcome

    with run.recording(), observed(plan, run) as observer:
        with run.phase("data"):
            task = loaded(plan.data)
            training = plan.training_for(task)
            seen = with_views(task, training.augmentation, plan.seed)
        with run.phase("model_a"):
            backbone = build_model_a(plan, task)
        with run.phase("strategy"):
            module = plan.strategy.apply(backbone, training)
            fitting = fit.prepare(plan, seen, module, run, observer)
            announce(plan, task, module, fitting, run)
        with run.phase("activations"):
            served = serve(plan.activations, seen, module, fitting.compute, plan.trainer.epochs)
            run.result.activations = served.record
            fitting = fitting.behind(served)
        with run.phase("fit"):
            fitting.run()
        with run.phase("test"):
            device = fitting.compute.accelerator
            scores = outcome.judge(backbone, task, run, device, served.behind)
            served.release()
        with run.phase("record"):
            outcome.record(plan, task, module, scores, run)
        log.info("%s", outcome.summary(task, scores, run, fitting.unit))
    return scores["val"].to_maximise


def build_model_a(plan: Plan, task: ImageTask) -> Backbone:
    """Return model A with a new head; the seed decides what its weights do not."""
    from pytorch_lightning import seed_everything

    seed_everything(plan.seed, workers=True, verbose=False)
    from_weights = plan.strategy.starts_from_weights
    return plan.source_model.build(
        task.outputs,
        from_weights=from_weights,
        input_shape=tuple(task.train.images.shape[1:]),
    )


def announce(
    plan: Plan, task: ImageTask, module: TransferModule, fitting: Fit | Solve, run: Run
) -> None:
    """Record where the run comes from, and say on the console what is about to happen."""
    from tlx.reports.console import RunHeader, run_header
    from tlx.training.origin import record_origin

    backbone, compute = module.backbone, fitting.compute
    record_origin(plan, task, module, compute, run)
    header = RunHeader(
        backbone=backbone.name,
        weights=backbone.weights_source,
        backbone_parameters=run.result.parameters["total"],
        task=task.name,
        classes=len(task.class_names),
        predicted=module.training_recipe.goal.words,
        examples="images" if task.train.images.ndim > FEATURE_DIMENSIONS else "rows",
        train_images=len(task.train),
        val_images=len(task.val),
        test_images=len(task.test),
        strategy=f"{plan.recipe['strategy']['name']}: {module.describe()}",
        trained_parameters=run.result.parameters["trained"],
        total_parameters=run.result.parameters["total"],
        device=compute.device,
        threads=compute.threads,
        precision=compute.precision,
        epochs=plan.trainer.epochs,
        batch_size=plan.trainer.batch_size,
        optimizer=plan.recipe["optimizer"]["name"],
        learning_rate=plan.recipe["optimizer"]["lr"],
        seed=plan.seed,
        run_folder=str(run.folder),
        trained_by_steps=fitting.unit == "epoch",
    )
    log.info("%s", run_header(header, encoding=sys.stdout.encoding).rstrip())


if __name__ == "__main__":
    main()
