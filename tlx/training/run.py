"""A run from its plan to its record: data -> model A -> strategy -> fit -> test -> record."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from pytorch_lightning import seed_everything

from tlx.activations.serve import serve
from tlx.augmentation.views import with_views
from tlx.data.loaded import loaded
from tlx.loggers.observed import observed
from tlx.reports.console import RunHeader, run_header
from tlx.training import evaluation, fit
from tlx.training.provenance import record_origin

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.data.task import Task
    from tlx.plan.plan import Plan
    from tlx.runs.run import Run
    from tlx.strategies.base import TransferModule
    from tlx.training.fit import Fit
    from tlx.training.solve import Solve

FEATURE_DIMENSIONS = 2
log = logging.getLogger("tlx")


def execute(plan: Plan, run: Run) -> float:
    """Carry out a plan: every phase in order, each timed, the end recorded whatever it is."""
    observing = observed(plan.logger, plan.recipe, plan.seed, run)
    with run.recording(), observing as observer:
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
            fitting = fitting.on_cached(served)
        with run.phase("fit"):
            fitting.run()
        with run.phase("test"):
            device = fitting.compute.accelerator
            scores = evaluation.evaluate(backbone, task, run, device, served.cached)
            served.release()
        with run.phase("record"):
            evaluation.record(plan, task, module, scores, run)
        log.info("%s", evaluation.summary(task, scores, run, fitting.unit))
    return scores["val"].to_maximise


def build_model_a(plan: Plan, task: Task) -> Backbone:
    """Return model A with a new head; the seed decides what its weights do not."""
    seed_everything(plan.seed, workers=True, verbose=False)
    from_weights = plan.strategy.starts_from_weights
    return plan.source_model.build(
        task.outputs,
        from_weights=from_weights,
        input_shape=tuple(task.train.inputs.shape[1:]),
    )


def announce(
    plan: Plan, task: Task, module: TransferModule, fitting: Fit | Solve, run: Run
) -> None:
    """Record where the run comes from, and say on the console what is about to happen."""
    backbone, compute = module.backbone, fitting.compute
    record_origin(plan, task, module, compute, run)
    header = RunHeader(
        backbone=backbone.name,
        weights=backbone.weights_source,
        backbone_parameters=run.result.parameters["total"],
        task=task.name,
        classes=len(task.class_names),
        predicted=module.training_settings.objective.words,
        examples="images" if task.train.inputs.ndim > FEATURE_DIMENSIONS else "rows",
        train_images=len(task.train),
        val_images=len(task.val),
        test_images=len(task.scored.get("test", ())),
        strategy=f"{plan.recipe['strategy']['name']}: {module.policy.describe()}",
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
