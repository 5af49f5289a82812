"""What tlx's training command offers a sweep: shared data, shared activations, head banks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlx.spark.launcher.sweep_hooks import Groups

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from tlx.data.source import TaskSource


def share(config: DictConfig) -> None:
    """Load task and weights into this process, for the jobs which will be forked from it.

    Args:
        config: A job's configuration, without Hydra's own part.
    """
    from omegaconf import OmegaConf

    from tlx.backbones.weights.read_weights import keep_weights
    from tlx.config.builders import checked_plan
    from tlx.data.loaded import load_and_keep

    groups = (config.data, config.backbone)
    asked = "".join(OmegaConf.to_yaml(group, resolve=True) for group in groups)

    def source() -> TaskSource:
        plan = checked_plan(config)
        if plan.strategy.starts_from_weights:
            model = plan.source_model
            keep_weights(model.name, model.weights, model.weights_key)
        return plan.data

    load_and_keep(asked, source)


def groups(configs: Sequence[DictConfig], slots: int, bank: bool) -> Groups:
    """Plan a sweep: which heads train together, and whose activations are computed first.

    Args:
        configs: Each job's configuration, without Hydra's own part.
        slots: Jobs at a time.
        bank: Whether heads may train together.
    """
    from tlx.config.builders import plain
    from tlx.head_banks.membership import HeadBank, describe, plan_banks
    from tlx.head_banks.shared_prefixes import prefix_jobs

    plains = [plain(config) for config in configs]
    banks = (
        plan_banks(plains, slots=slots) if bank else [HeadBank((i,)) for i in range(len(plains))]
    )
    members = [tuple(one.indices) for one in banks if len(one) > 1]
    shared = prefix_jobs(plains, [one.indices for one in banks], slots)
    return Groups(members, shared, describe(plains, banks))


def prepare(config: DictConfig, part: int, parts: int) -> None:
    """Compute a part of the activations that a job will read, where the store lacks them.

    Args:
        config: A job's configuration.
        part: Which part, counted from 0.
        parts: How many there are.
    """
    import torch

    from tlx.activations.precompute import compute_share
    from tlx.activations.request import distinct_requests
    from tlx.config.builders import checked_plan
    from tlx.data.loaded import loaded
    from tlx.training.device import choose_compute
    from tlx.training.memory import keep_freed_memory
    from tlx.training.run import build_model_a

    plan = checked_plan(config)
    if plan.trainer.threads is not None:
        torch.set_num_threads(plan.trainer.threads)
    keep_freed_memory()
    task = loaded(plan.data)
    backbone = build_model_a(plan, task)
    module = plan.strategy.apply(backbone, plan.training_for(task))
    compute, epochs = choose_compute(plan.trainer), plan.trainer.epochs
    requests = distinct_requests(plan.activations, task, module, compute, epochs)
    if requests:
        compute_share(plan.activations, requests, part, parts)


def run_together(
    configs: Sequence[DictConfig], folders: Sequence[Path], commands: Sequence[str]
) -> list[Any]:
    """Train a head bank; each job's own folder gets what it would hold had it run alone.

    Returns:
        Each job's validation accuracy, or the exception that ended it.
    """
    from tlx.config.head_bank import run_bank

    outcomes = run_bank(configs, folders, commands)
    return [outcome.accuracy if outcome.error is None else outcome.error for outcome in outcomes]
