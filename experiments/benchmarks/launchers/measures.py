"""What a sweep's times amount to."""

from __future__ import annotations

import pandas as pd

from experiments.benchmarks.launchers.sweeps import Sweep


def measures(sweep: Sweep) -> dict[str, float]:
    """Return the figures of a sweep.

    Returns:
        `completed` (jobs that ended), `wall_s`, `start_s` (until the first job began, Spark's
        start included), `overhead_per_job_s` (wall seconds that are no training, shared by the
        slots, over the jobs), `warm_overhead_per_job_s` (the same from the first job's beginning
        to the last one's end), `job_s` (seconds of training of a job, mean), `efficiency` (the sum
        of those / (slots x wall)) and `warm_efficiency` (from the first job's beginning).
    """
    times, slots = sweep.times, sweep.slots
    if times.empty:
        return {"completed": 0, "wall_s": sweep.wall_s}
    trained_s = float(times["job_s"].sum())
    first = float(times["entered"].min())
    warm_s = float(times["ended"].max()) - first
    return {
        "completed": len(times),
        "wall_s": sweep.wall_s,
        "start_s": first - sweep.began,
        "overhead_per_job_s": (sweep.wall_s - trained_s / slots) / len(times),
        "warm_overhead_per_job_s": (warm_s - trained_s / slots) / len(times),
        "job_s": trained_s / len(times),
        "efficiency": trained_s / (slots * sweep.wall_s),
        "warm_efficiency": trained_s / (slots * warm_s),
    }


def by_part(sweep: Sweep, part: int = 100) -> pd.DataFrame:
    """Return how a long sweep goes on, one row per `part` jobs.

    Returns:
        `jobs` (how many had ended by the end of the part), `seconds_per_job` (wall), and the
        memory at that moment: `driver_mb` and `java_mb`, in 10^6 bytes.
    """
    rows, since = [], float(sweep.times["entered"].min())
    for last in range(part, len(sweep.times) + 1, part):
        until = float(sweep.times["ended"].iloc[last - 1])
        # memory's first column is sorted, as the samples were taken
        sample = sweep.memory.iloc[int(sweep.memory["time"].searchsorted(until, "right")) - 1]
        row = {"jobs": last, "seconds_per_job": (until - since) / part}
        rows.append(row | {name: float(sample[name]) for name in ("driver_mb", "java_mb")})
        since = until
    return pd.DataFrame(rows)
