"""Several seeds for each trial: its jobs, and the mean of what they reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, Final

from tlx.errors import Fault

SEED: Final = "seed"
OPTION: Final = "hydra.sweeper.seeds"
Seed = int | None
"""The seed of a job; None for the one job of a trial without seeds of its own."""


def seeds_of(asked: Any) -> tuple[Seed, ...]:
    """Return the seeds of a trial's jobs, in order.

    Args:
        asked: `hydra.sweeper.seeds`: a count, a list, or None.
    """
    if asked is None:
        return (None,)
    return tuple(range(asked)) if isinstance(asked, int) else tuple(asked)


def seeds_faults(asked: Any) -> Iterator[Fault]:
    """Yield what is wrong with `hydra.sweeper.seeds`."""
    found = list(range(asked)) if _is_whole(asked) else asked
    if asked is not None and not (
        isinstance(found, list | tuple) and found and all(_is_whole(one) for one in found)
    ):
        remedy = "Give a count such as 3, or a list such as [0,1,7]."
        yield Fault(OPTION, asked, "these are no seeds", remedy)
    elif asked is not None and len(set(found)) < len(found):
        yield Fault(OPTION, asked, "a seed stands there twice", "Give each seed once.")
    elif asked is not None and min(found) < 0:
        yield Fault(OPTION, asked, "a seed is not negative", "Give seeds of 0 or more.")


def typed_seed_faults(asked: Any, overrides: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault for each seed that is given beside `hydra.sweeper.seeds`.

    Args:
        asked: `hydra.sweeper.seeds`.
        overrides: What the search was asked, of its space too.
    """
    for text in overrides if asked is not None else ():
        key, _, value = text.partition("=")
        if key.lstrip("+~") == SEED:
            reason = f"{OPTION} gives the jobs of each trial their seeds"
            remedy = f"Leave {text} out, or leave {OPTION} out for one job per trial."
            yield Fault(key, value, reason, remedy)


def job_of(overrides: tuple[str, ...], seed: Seed) -> tuple[str, ...]:
    """Return what a job of a trial is asked.

    Args:
        overrides: What the trial is asked.
        seed: The job's seed.
    """
    return overrides if seed is None else (*overrides, f"{SEED}={seed}")


def means(values: Mapping[Seed, Sequence[float]]) -> list[float]:
    """Return the mean over the seeds, of each objective.

    Args:
        values: What each seed's job has returned.
    """
    return [fmean(column) for column in zip(*values.values(), strict=True)]


def spreads(values: Mapping[Seed, Sequence[float]]) -> list[float] | None:
    """Return the sample standard deviation over the seeds, of each objective.

    Returns:
        None for a single seed.
    """
    if len(values) == 1:
        return None
    return [stdev(column) for column in zip(*values.values(), strict=True)]


def common_steps(
    seeds: Sequence[Seed], histories: Mapping[Seed, Mapping[int, float]]
) -> dict[int, float]:
    """Return the mean over the seeds at each step that the jobs of all of them have reached.

    Args:
        seeds: All seeds of the trial.
        histories: What each job has reached, by step.
    """
    found = [histories.get(seed, {}) for seed in seeds]
    reached = sorted(set(found[0]).intersection(*found[1:]))
    return {step: fmean(one[step] for one in found) for step in reached}


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
