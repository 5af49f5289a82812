"""The fit of a run: made ready, run, and left with the best epoch's weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import torch
from pytorch_lightning import Trainer

from tlx.data.batches import TaskDataModule
from tlx.machine import Compute
from tlx.progress import shows_bars
from tlx.reports.progress import progress_callbacks
from tlx.runs.run import RunInterrupted
from tlx.training.best_weights import BestWeights
from tlx.training.checkpoint_file import checkpoint_to_resume
from tlx.training.device import choose_compute
from tlx.training.history import EpochHistory
from tlx.training.phases import PhasedBatches, PhaseTails
from tlx.training.solve import Solve, prepare_solve
from tlx.training.trainer import make_trainer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlx.activations.cached_inputs import PhaseInputs
    from tlx.activations.serve import Served
    from tlx.data.task import Task
    from tlx.loggers.observed import RunObserver
    from tlx.plan.plan import Plan
    from tlx.runs.run import Run
    from tlx.strategies.base import TransferModule


@dataclass(frozen=True)
class Fit:
    """A fit made ready.

    Args:
        trainer: Lightning's trainer.
        module: The strategy over its backbone.
        data: The batches.
        best: The keeper of the best weights.
        compute: Where and how it computes.
        run_record: The run, whose result is brought up to date.
    """

    trainer: Trainer
    module: TransferModule
    data: TaskDataModule
    best: BestWeights
    compute: Compute
    run_record: Run
    unit: ClassVar[str] = "epoch"

    def on_cached(self, served: Served) -> Fit:
        """Return the same fit on stored activations, the module starting at their cut.

        Args:
            served: The activations and the tails, phase by phase where that changes; where the
                store served none, the fit stays as it is.
        """
        if served.solving is not None:
            self.module.solve_on_cached(served.solving)
        if served.phases:
            return self._in_phases(served.phases)
        if served.cached is None:
            return self
        self.module.take_cached_inputs(served.cached.tail)
        return replace(self, data=self._batches_of(served.cached.task))

    def _in_phases(self, phases: Sequence[PhaseInputs]) -> Fit:
        data = {
            phase.first_epoch: self._batches_of(phase.cached.task) if phase.cached else self.data
            for phase in phases
        }
        tails = {p.first_epoch: p.cached.tail if p.cached else None for p in phases}
        self.trainer.callbacks.append(PhaseTails(tails))  # type: ignore[attr-defined]
        self.trainer.reload_dataloaders_every_n_epochs = 1  # type: ignore[attr-defined]
        return replace(self, data=PhasedBatches(self.data, data))

    def _batches_of(self, task: Task) -> TaskDataModule:
        data = self.data
        return TaskDataModule(task, batch_size=data.batch_size, seed=data.seed, views=data.views)

    def run(self) -> None:
        """Fit from the run's last whole checkpoint, if it has one, and restore the best weights.

        Raises:
            RunInterrupted: Where the user stopped the fit; the message says how to go on.
        """
        checkpoint = checkpoint_to_resume(self.run_record.folder, self.run_record.result.id)
        if checkpoint is not None and not self.best.is_whole():
            checkpoint = None  # its best epoch's weights are lost; every epoch comes again
        try:
            self.trainer.fit(self.module, self.data, ckpt_path=checkpoint, weights_only=True)
        except (KeyboardInterrupt, SystemExit) as error:
            folder = self.run_record.folder
            raise RunInterrupted(f"interrupted; go on with resume={folder}") from error
        self.module.policy.finish()
        self.best.restore(self.module.backbone.network)
        self.run_record.result.best_epoch = self.best.epoch
        self.run_record.result.epochs = self.trainer.current_epoch


def prepare(
    plan: Plan,
    task: Task,
    module: TransferModule,
    run: Run,
    observer: RunObserver | None = None,
) -> Fit | Solve:
    """Return the fit of a plan, ready to run; of a probe, what solves for its head.

    Args:
        plan: What to do.
        task: The target task's images.
        module: The strategy over its backbone.
        run: The run, whose folder takes history and checkpoints.
        observer: Is told of epochs as they end; a probe has its path in the run's folder at once.
    """
    solver = module.policy.solver
    if solver is not None:
        return prepare_solve(plan, task, module, solver, run)
    compute = choose_compute(plan.trainer)
    if compute.channels_last:
        module.backbone.network.to(memory_format=torch.channels_last)
    objective = module.training_settings.objective
    best = BestWeights(run.folder, objective.selection, run.result.id)
    progress = progress_callbacks(is_terminal=shows_bars())
    observe = observer.epoch if observer else None
    terms = tuple(module.training_settings.terms)
    history = EpochHistory(run.folder, observe, objective.columns, terms)
    callbacks = [history, best, *progress]
    trainer = make_trainer(
        run.folder, plan.trainer, compute, callbacks, objective.selection, run.result.id
    )
    views = plan.training.augmentation.views or 1
    data = TaskDataModule(
        task,
        batch_size=plan.trainer.batch_size,
        seed=plan.seed,
        views=views,
        streams=module.further_streams,
    )
    return Fit(trainer, module, data, best, compute, run)
