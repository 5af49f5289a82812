"""What a run records before its fit: where it comes from, and what it is about to train."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tlx.data.images.image_counts import data_record
from tlx.runs.atomic import write_json
from tlx.runs.provenance import provenance

if TYPE_CHECKING:
    from tlx.data.task import Task
    from tlx.machine import Compute
    from tlx.plan.plan import Plan
    from tlx.runs.run import Run
    from tlx.strategies.base import TransferModule

log = logging.getLogger("tlx")


def record_origin(
    plan: Plan, task: Task, module: TransferModule, compute: Compute, run: Run
) -> None:
    """Write a run's provenance and its task's files; note its data and parameters.

    How model A's weights were read from their file, where they had to be looked for, is said too.

    Args:
        plan: What the run is to do.
        task: Its task.
        module: Its strategy, over model A.
        compute: Where it computes.
        run: The run.
    """
    origin = provenance(
        seed=plan.seed,
        device=compute.device,
        dataset=task.fingerprint,
        weights=module.backbone.fingerprint,
    )
    backbone = module.backbone
    origin["weights_notes"] = list(backbone.weights_notes)
    if backbone.weights_notes:
        notes = "; ".join(backbone.weights_notes)
        log.info("model A's weights (%s): %s.", backbone.weights_source, notes)
    write_json(run.folder / "provenance.json", origin)
    for name, content in task.files.items():
        write_json(run.folder / name, content)
    run.result.parameters = module.policy.parameter_counts()
    run.result.data = data_record(task)
