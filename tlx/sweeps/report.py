"""A sweep's table, written anew and printed ranked, with every failure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tlx.reports.across_seeds import markdown_table
from tlx.sweeps.jobs import read_sweep
from tlx.sweeps.lines import damage_lines, failure_lines, printable, status_counts
from tlx.sweeps.ranking import rank, shown_metrics
from tlx.sweeps.record import FAILURES, UNFINISHED, JobRecord
from tlx.sweeps.table import write_table
from tlx.texts.told import tell

EXIT_FAILED, EXIT_UNFINISHED = 1, 3


def report(folder: Path, metrics: Sequence[str] | None = None, minimize: bool = False) -> int:
    """Write a sweep's table anew and print it ranked, then every failure.

    Args:
        folder: The sweep's folder.
        metrics: What to show, the metric to rank by first; None for what the jobs offer.
        minimize: Whether a smaller value is better.

    Returns:
        The exit status of the command.

    Raises:
        TlxError: The folder is no sweep's, or no complete job has the metric.
    """
    records = read_sweep(folder)
    try:
        write_table(folder, records)
    except OSError as error:
        tell("tlx.sweep: the table was not written", error)
    lines = [f"{folder}: {len(records)} jobs, {status_counts(records)}"]
    lines += _ranking_lines(records, metrics, minimize)
    lines += ["", *failure_lines(records)] if failure_lines(records) else []
    lines += ["", *damage_lines(records)] if damage_lines(records) else []
    unfinished = sum(record.status in UNFINISHED for record in records)
    if unfinished:
        lines += ["", f"not ended: {unfinished}. If nothing runs there any more, resume the sweep."]
    print(printable("\n".join(lines), sys.stdout.encoding))
    if any(record.status in FAILURES for record in records):
        return EXIT_FAILED
    return EXIT_UNFINISHED if unfinished else 0


def _ranking_lines(
    records: Sequence[JobRecord], metrics: Sequence[str] | None, minimize: bool
) -> list[str]:
    names = list(dict.fromkeys(metrics or shown_metrics(records)))
    if not names:
        return ["No complete job has a number to rank by."]
    ranking = rank(records, names, minimize)
    lines = [f"all jobs: {' '.join(ranking.shared)}"] if ranking.shared else []
    lines.append(f"ranked by {names[0]}, {'lowest' if minimize else 'highest'} first")
    if ranking.left_out:
        lines.append(f"left out, complete but without a finite {names[0]}: {ranking.left_out}")
    return [*lines, "", *markdown_table(ranking.table, digits=4).splitlines()]
