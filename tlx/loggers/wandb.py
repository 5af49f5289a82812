"""Log a run to Weights & Biases: offline into the run's folder, or online."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import Field

from tlx.errors import Fault
from tlx.loggers.logger import RunAbout, RunEnd, missing_package_faults


@dataclass(frozen=True)
class Wandb:
    """Log to Weights & Biases; offline runs are sent later by `wandb sync RUN/wandb/offline-run-*`.

    Args:
        project: The project that runs are filed under.
        entity: The user or team; None takes the account's own.
        mode: `offline` sends nothing anywhere; `online` needs an account.
    """

    project: Annotated[str, Field(min_length=1)] = "tlx"
    entity: str | None = None
    mode: Literal["offline", "online"] = "offline"

    def faults(self) -> list[Fault]:
        """Return a fault where the package is missing."""
        return missing_package_faults("wandb")

    def open(self, about: RunAbout) -> WandbLog:
        """Return a log for a run."""
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        log_id = about.log_id or uuid4().hex[:8]
        run = wandb.init(
            project=self.project,
            entity=self.entity,
            mode=self.mode,
            dir=str(about.folder),
            id=log_id,
            name=about.name,
            config=dict(about.params) | {"run_folder": str(about.folder.absolute())},
            resume="allow" if self.mode == "online" else None,
            reinit="create_new",
            # The run's own provenance tells of code and machine.
            settings=wandb.Settings(
                silent=True, console="off", disable_git=True, save_code=False, x_disable_stats=True
            ),
        )
        run.define_metric("*", step_metric="epoch")
        return WandbLog(run, log_id)


class WandbLog:
    """A run at Weights & Biases.

    Args:
        run: The open run.
        log_id: Its id.
    """

    def __init__(self, run: Any, log_id: str) -> None:
        self.log_id = log_id
        self._run = run

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        """Write an epoch's metrics."""
        self._run.log({"epoch": number, **metrics})

    def end(self, end: RunEnd) -> None:
        """Write the final scores and the files' paths into the summary, and close."""
        final = {f"final/{name}": value for name, value in end.summary.items()}
        files = {f"file/{name}": str(path) for name, path in end.files.items()}
        self._run.summary.update(final | files)
        self._run.finish(exit_code=0 if end.completed else 1)
