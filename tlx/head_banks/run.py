"""N runs at once: what `tlx.train` does for one plan, for plans that share their frozen prefix.

Every job has its own folder with the same files as a run alone, but for two kinds.
`checkpoints/last.ckpt`: a head bank is not resumed in its middle, an interrupted job is trained
again from its first epoch. And the pictures: drawing takes longer than training such a head, and
`python -m tlx.evaluate RUN --pictures` draws those that somebody wants to see.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from tlx.backbones import Backbone
    from tlx.data.task import Task
    from tlx.head_banks.member import MemberHistory
    from tlx.head_banks.prefix import Cut
    from tlx.machine import Compute
    from tlx.plan.plan import Plan
    from tlx.runs.run import Run

log = logging.getLogger("tlx")


@dataclass(frozen=True)
class Outcome:
    """How one job of a head bank ended.

    Args:
        accuracy: Validation accuracy of the chosen epoch; None where the job failed.
        error: What ended the job; None where it is complete.
    """

    accuracy: float | None = None
    error: Exception | None = None


def execute_bank(plans: Sequence[Plan], runs: Sequence[Run]) -> list[Outcome]:
    """Carry out plans that share their frozen prefix, as `tlx.training.run.execute` does for one.

    Args:
        plans: What each job is to do.
        runs: Each job's run, started.
    """
    from tlx.head_banks.prefix import release

    open_runs = list(runs)
    cuts: list[Cut] = []
    try:
        shared = _prepared(plans, runs, cuts)
        histories = _trained(plans, runs, shared)
        outcomes = []
        for plan, run, cut, task, history in zip(
            plans, runs, shared.cuts, shared.tasks, histories, strict=True
        ):
            open_runs.remove(run)
            outcomes.append(_finished(plan, run, shared, cut, task, history))
        return outcomes
    except BaseException as error:
        for run in open_runs:
            with suppress(type(error)), run.recording():
                raise error
        raise
    finally:
        release(cuts)


@dataclass(frozen=True)
class _Shared:
    """What the jobs have in common, and what of it each uses."""

    backbone: Backbone
    compute: Compute
    tasks: list[Task]
    heads: list[dict[str, Tensor]]
    cuts: list[Cut]


def _prepared(plans: Sequence[Plan], runs: Sequence[Run], opened: list[Cut]) -> _Shared:
    """Load each distinct task, build model A once, and compute each task's features once."""
    import torch

    from tlx.data.loaded import loaded
    from tlx.head_banks.prefix import after_prefix, fresh_heads
    from tlx.training.device import choose_compute
    from tlx.training.memory import keep_freed_memory
    from tlx.training.run import build_model_a

    first = plans[0]
    sources = [repr(plan.data) for plan in plans]
    by_source = dict(zip(sources, plans, strict=True))
    with _shared_phase(runs, "data"):
        tasks = {source: loaded(plan.data) for source, plan in by_source.items()}
    with _shared_phase(runs, "model_a"):
        task = tasks[sources[0]]
        backbone = build_model_a(first, task)
        heads = fresh_heads(plans, backbone, len(task.class_names))
    with _shared_phase(runs, "strategy"):
        compute = choose_compute(first.trainer)
        torch.set_num_threads(compute.threads)
        keep_freed_memory()
        module = first.strategy.apply(backbone, first.training)
        if compute.channels_last:
            backbone.network.to(memory_format=torch.channels_last)
    cuts: dict[str, Cut] = {}
    with _shared_phase(runs, "activations"):
        for source, plan in by_source.items():
            cuts[source] = after_prefix(plan, tasks[source], module, compute)
            opened.append(cuts[source])
    by_job = [tasks[source] for source in sources], heads, [cuts[source] for source in sources]
    return _Shared(backbone, compute, *by_job)


def _trained(plans: Sequence[Plan], runs: Sequence[Run], shared: _Shared) -> list[MemberHistory]:
    from tlx.head_banks.engine import train_bank
    from tlx.head_banks.member import Member
    from tlx.head_banks.prefix import autocast_of

    members = [
        Member(cut.train, cut.val, head, plan.training, plan.trainer)
        for plan, cut, head in zip(plans, shared.cuts, shared.heads, strict=True)
    ]
    log.info("a head bank of %d heads trains on %s", len(members), shared.compute.device)
    with _shared_phase(runs, "fit"):
        return train_bank(members, shared.cuts[0].tail, autocast_of(shared.compute))


def _finished(
    plan: Plan, run: Run, shared: _Shared, cut: Cut, task: Task, history: MemberHistory
) -> Outcome:
    """Judge and record one job by itself."""
    from tlx.loggers.observed import observed

    try:
        with run.recording(), observed(plan.logger, plan.recipe, plan.seed, run):
            accuracy = _evaluated(plan, run, shared, cut, task, history)
    except Exception as error:
        return Outcome(error=error)
    return Outcome(accuracy=accuracy)


def _evaluated(
    plan: Plan, run: Run, shared: _Shared, cut: Cut, task: Task, history: MemberHistory
) -> float:
    from tlx.head_banks.results import load_head, share_weights, write_best_weights, write_history
    from tlx.strategies.divergence import TrainingDivergedError
    from tlx.training import evaluation
    from tlx.training.provenance import record_origin

    backbone, compute = shared.backbone, shared.compute
    module = plan.strategy.apply(backbone, plan.training)
    record_origin(plan, task, module, compute, run)
    run.result.activations = cut.served.record
    write_history(run.folder, history)
    load_head(backbone.network, history.best_state)
    if history.divergence is not None:
        if history.rows:
            write_best_weights(run.folder, backbone.network)
        raise TrainingDivergedError(history.divergence)
    run.result.best_epoch, run.result.epochs = history.best_epoch, history.epochs
    with run.phase("test"):
        scores = evaluation.evaluate(backbone, task, run, compute.accelerator, cut.cached)
    with run.phase("record"):
        evaluation.record(plan, task, module, scores, run, pictures=False)
        share_weights(run.folder)
    log.info("test accuracy %.4f of %s", scores["test"].to_maximise, run.folder)
    return scores["val"].to_maximise


@contextmanager
def _shared_phase(runs: Sequence[Run], name: str) -> Iterator[None]:
    """Add each run's share of the wall time of a block to its `result.seconds[name]`."""
    started = time.perf_counter()
    try:
        yield
    finally:
        share = (time.perf_counter() - started) / len(runs)
        for run in runs:
            run.result.seconds[name] = round(run.result.seconds.get(name, 0.0) + share, 3)
