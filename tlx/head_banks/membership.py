"""Which jobs of a sweep train together: plain logic over plain configurations, without torch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from tlx.head_banks.vectorised import unknown_because

STRATEGY: Final = "tlx.strategies.fine_tuning.feature_extraction.FeatureExtraction"
LOSSES: Final = frozenset({"tlx.optimization.losses.CrossEntropy"})
OPTIMIZERS: Final = frozenset(
    {"tlx.optimization.optimizers.adamw", "tlx.optimization.optimizers.sgd"}
)
LEAST_OF_A_SPLIT_BANK: Final = 8
STACKED_GROUPS: Final = ("loss", "optimizer", "scheduler")
"""Groups whose options each job may have for itself, where the target is the same."""
NO_AUGMENTATION: Final = frozenset({None, "tlx.augmentation.choices.none"})
NO_REGULARIZER: Final = frozenset({None, "tlx.regularization.none.NoRegularizer"})
SETTINGS: Final = ("seed", "resume", "debug")
FREE_DATA: Final = frozenset({"seed", "train_per_class"})
FREE_TRAINER: Final = frozenset({"early_stopping_patience", "gradient_clip_norm"})

Config = Mapping[str, Any]


@dataclass(frozen=True)
class HeadBank:
    """Jobs that train together.

    Args:
        indices: Positions of the jobs in the sweep, ascending; one alone is no head bank.
    """

    indices: tuple[int, ...]

    def __len__(self) -> int:
        """Return the number of jobs."""
        return len(self.indices)


def plan_banks(
    configs: Sequence[Config],
    *,
    max_bytes: int = 2**29,
    features_per_image: int = 4096,
    slots: int = 1,
) -> list[HeadBank]:
    """Group the jobs of a sweep into banks.

    Args:
        configs: Each job's resolved configuration, as `tlx.config.builders.plain` returns it.
        max_bytes: Most memory for the features that one step of a head bank gathers.
        features_per_image: Numbers at the cut for each image, for that estimate; the widest flat
            head of torchvision's builders has 4,096.
        slots: Processes at a time. Writing the runs of a large bank takes longer than training
            it, so it is split among them.

    Returns:
        Every job in exactly one head bank, in the order of their first jobs. A job that trains
        alone is a bank of one.
    """
    groups: dict[str, list[int]] = {}
    for index, config in enumerate(configs):
        reason = alone_because(config)
        key = f"alone {index}" if reason else _key(config)
        groups.setdefault(key, []).append(index)
    banks = []
    for indices in groups.values():
        batch_size = configs[indices[0]].get("trainer", {}).get("batch_size", 1)
        size = max(1, max_bytes // (4 * features_per_image * batch_size))
        size = min(size, max(LEAST_OF_A_SPLIT_BANK, -(-len(indices) // slots)))
        banks += [HeadBank(tuple(part)) for part in _even_parts(indices, size)]
    return sorted(banks, key=lambda bank: bank.indices)


def alone_because(config: Config) -> str | None:
    """Return why a job cannot share its training with any other, or None where it can."""
    if config.get("resume") is not None:
        return "it goes on with an interrupted run"
    if _target(config, "strategy") != STRATEGY:
        return "its strategy is not feature_extraction"
    if _target(config, "loss") not in LOSSES:
        return "its loss is not cross_entropy"
    if config["loss"].get("class_weights", "none") != "none":
        return "loss.class_weights weights its classes"
    if _target(config, "optimizer") not in OPTIMIZERS:
        return "its optimizer is neither adamw nor sgd"
    if _target(config, "augmentation") not in NO_AUGMENTATION:
        return "it augments its images"
    if _target(config, "regularizer") not in NO_REGULARIZER:
        return "its loss has a regulariser's term"
    if config.get("trainer", {}).get("ema_decay") is not None:
        return "trainer.ema_decay averages its weights"
    if config.get("trainer", {}).get("precision") == "16-mixed":
        return "trainer.precision=16-mixed scales the loss of each job by itself"
    return unknown_because(config)


def describe(configs: Sequence[Config], banks: Sequence[HeadBank]) -> str:
    """Return one line for the user, such as `64 jobs: 1 prefix, 1 head bank of 64`."""
    shared = [bank for bank in banks if len(bank) > 1]
    alone = len(banks) - len(shared)
    prefixes = len({_prefix(configs[bank.indices[0]]) for bank in shared})
    sizes = Counter(len(bank) for bank in shared)
    parts = [_counted(prefixes, "prefix", "prefixes")] if shared else []
    parts += [
        f"{_counted(count, 'head bank', 'head banks')} of {size}"
        for size, count in sorted(sizes.items(), reverse=True)
    ]
    parts += [f"{alone} alone"] if alone else []
    return f"{_counted(len(configs), 'job', 'jobs')}: {', '.join(parts)}"


def _key(config: Config) -> str:
    """Return what jobs of one head bank have in common, as text."""
    data = {k: v for k, v in config["data"].items() if k not in FREE_DATA}
    trainer = {k: v for k, v in config["trainer"].items() if k not in FREE_TRAINER}
    targets = [_target(config, group) for group in STACKED_GROUPS]
    rest = {k: v for k, v in config.items() if k not in (*SETTINGS, *STACKED_GROUPS)}
    return _text([_prefix(config), targets, rest | {"data": data, "trainer": trainer}])


def _prefix(config: Config) -> str:
    """Return what makes the frozen part; without weights of its own the seed makes it."""
    backbone = config["backbone"]
    seed = config.get("seed") if backbone.get("weights") is None else None
    return _text([backbone, seed])


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _target(config: Config, group: str) -> Any:
    node = config.get(group)
    return node.get("_target_") if isinstance(node, Mapping) else None


def _even_parts(indices: list[int], size: int) -> list[list[int]]:
    """Return consecutive parts of nearly equal length, none longer than `size`."""
    count = -(-len(indices) // size)
    bounds = [round(len(indices) * part / count) for part in range(count + 1)]
    return [indices[a:b] for a, b in pairwise(bounds)]


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
