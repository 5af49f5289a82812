"""Several configurations as one head bank, each in a folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from tlx.config.builders import checked_plan
from tlx.config.stored.record import config_text, say_redacted
from tlx.errors import TlxError
from tlx.head_banks.run import Outcome, execute_bank
from tlx.plan.plan import Plan
from tlx.runs.run import Run


def run_bank(
    configs: Sequence[DictConfig],
    folders: Sequence[Path],
    commands: Sequence[str],
    config_dirs: Sequence[Path] = (),
) -> list[Outcome]:
    """Train as several configurations say, each in a folder of its own which holds no run yet.

    Args:
        configs: One per job, of one `HeadBank`; without Hydra's own part.
        folders: One per job.
        commands: For each job the command line that runs it again, for the record.
        config_dirs: Configuration folders that they were composed from, besides the installed
            ones and those of Hydra's running job.

    Returns:
        One outcome per job, in order. A job that fails by itself leaves the others alone.

    Raises:
        Exception: Where something fails that all jobs share; every run has it on record.
    """
    outcomes = [Outcome() for _ in configs]
    plans: list[Plan] = []
    runs: list[Run] = []
    places: list[int] = []
    for place, job in enumerate(zip(configs, folders, commands, strict=True)):
        try:
            plan, run = _started(*job, config_dirs)
        except TlxError as error:
            outcomes[place] = Outcome(error=error)
            continue
        plans.append(plan)
        runs.append(run)
        places.append(place)
    if plans:
        for place, outcome in zip(places, execute_bank(plans, runs), strict=True):
            outcomes[place] = outcome
    return outcomes


def _started(
    cfg: DictConfig, folder: Path, command: str, config_dirs: Sequence[Path]
) -> tuple[Plan, Run]:
    plan = checked_plan(cfg)
    run = Run.start(folder, command, config_text(cfg, config_dirs))
    say_redacted(cfg)
    return plan, run
