"""The fit of a probe: features once, heads solved for, the best one kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tlx.backbones.head_features import head_features
from tlx.data.batches import in_order
from tlx.errors import TlxError
from tlx.machine import Compute
from tlx.probes.selection import PathPoint, accuracy_and_loss, best_point
from tlx.runs.atomic import atomic_path
from tlx.runs.history_file import HISTORY_FILE
from tlx.runs.mapped_files import refuse_changed
from tlx.runs.run import RunInterrupted
from tlx.training.best_weights import BEST_FILE
from tlx.training.device import choose_compute
from tlx.training.memory import keep_freed_memory

if TYPE_CHECKING:
    from tlx.activations.cached_inputs import CachedInputs
    from tlx.activations.serve import Served
    from tlx.data.task import Split, Task
    from tlx.plan.plan import Plan
    from tlx.runs.run import Run
    from tlx.strategies.base import TransferModule
    from tlx.strategies.solver import CandidateHead, Solver


@dataclass(frozen=True)
class Solve:
    """A probe made ready; the same to a run as a `Fit`.

    Args:
        module: The strategy over its backbone.
        solver: What solves for the heads.
        task: The target task's images, or their activations behind a cut.
        compute: Where it computes; always in full precision.
        run_record: The run, whose result is brought up to date.
        cached: The activations and what takes them; None where the task has images.
    """

    module: TransferModule
    solver: Solver
    task: Task
    compute: Compute
    run_record: Run
    cached: CachedInputs | None = None
    unit: ClassVar[str] = "point"

    def on_cached(self, served: Served) -> Solve:
        """Return the same probe on stored activations, where the store served some.

        Args:
            served: The activations and the tail.
        """
        cached = served.cached
        return self if cached is None else replace(self, task=cached.task, cached=cached)

    def run(self) -> None:
        """Solve for all heads, and leave the best one in the backbone and in its file.

        Raises:
            RunInterrupted: Where the user stopped it; taken up again, it starts anew.
            TlxError: Where the features are not finite.
        """
        try:
            self._run()
        except (KeyboardInterrupt, SystemExit) as error:
            folder = self.run_record.folder
            raise RunInterrupted(f"interrupted; go on with resume={folder}") from error

    def _run(self) -> None:
        train, val = (self._features(split) for split in (self.task.train, self.task.val))
        rows: list[dict[str, float]] = []
        points: list[PathPoint] = []
        best: CandidateHead | None = None
        started = time.perf_counter()
        for candidate in self.solver.candidates(train, self.task.train.labels):
            points.append(self._evaluated(candidate, val))
            rows.append(self._row(candidate, points, train))
            rows[-1]["seconds"] = round(time.perf_counter() - started, 4)
            started = time.perf_counter()
            if best_point(points) == len(points) - 1:
                best = candidate
        assert best is not None, "a path has a point"
        self._keep(best.head)
        self._record(rows, best_point(points) + 1)

    def _features(self, split: Split) -> Tensor:
        """Return what reaches the head for each image of a split, shape (n, d)."""
        refuse_changed()
        backbone, device = self.module.backbone, self.compute.accelerator
        backbone.to(device).eval()
        model = self.module if self.cached is None else self.cached.tail.to(device).eval()
        batches = in_order(split.inputs)
        features = [head_features(backbone, model, batch.to(device)) for batch in batches]
        whole = torch.cat(features)
        if not bool(whole.isfinite().all()):
            bad = int((~whole.isfinite()).any(dim=1).sum())
            raise TlxError(
                f"the features of {bad} of {len(whole)} examples are not finite. "
                "Check backbone.weights, and the size of images or the scale of columns."
            )
        return whole

    def _evaluated(self, candidate: CandidateHead, val: Tensor) -> PathPoint:
        accuracy, loss = accuracy_and_loss(candidate.head, val, self.task.val.labels)
        return PathPoint(candidate.strength, accuracy, loss)

    def _row(
        self, candidate: CandidateHead, points: Sequence[PathPoint], train: Tensor
    ) -> dict[str, float]:
        train_loss = float("nan")
        if self.solver.learns_from_itself():
            _, train_loss = accuracy_and_loss(candidate.head, train, self.task.train.labels)
        return {
            "point": len(points),
            self.solver.strength_name: candidate.strength,
            "train_loss": train_loss,
            "val_loss": points[-1].val_loss,
            "val_accuracy": points[-1].val_accuracy,
        }

    def _keep(self, head: nn.Module) -> None:
        """Install a head, and write the whole model's weights."""
        tails = [] if self.cached is None else [self.cached.tail, self.cached.scoring_tail]
        self.solver.install(head, tails)
        path = self.run_record.folder / BEST_FILE
        path.parent.mkdir(exist_ok=True)
        state = self.module.backbone.network.state_dict()
        with atomic_path(path) as temporary:
            save_file({key: value.contiguous() for key, value in state.items()}, temporary)

    def _record(self, rows: Sequence[dict[str, float]], best: int) -> None:
        with atomic_path(self.run_record.folder / HISTORY_FILE) as temporary:
            pd.DataFrame(rows).to_csv(temporary, index=False)
        self.run_record.result.best_epoch = best
        self.run_record.result.epochs = len(rows)


def prepare_solve(
    plan: Plan, task: Task, module: TransferModule, solver: Solver, run: Run
) -> Solve:
    """Return the solving of a plan's probe, ready to run.

    Args:
        plan: What to do.
        task: The target task's images.
        module: The strategy over its backbone.
        solver: What solves for the heads.
        run: The run, whose folder takes history and weights.
    """
    compute = replace(choose_compute(plan.trainer), precision="32-true", channels_last=False)
    torch.set_num_threads(compute.threads)
    keep_freed_memory()
    return Solve(module, solver, task, compute, run)
