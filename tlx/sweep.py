"""`python -m tlx.sweep FOLDER`: rebuild a sweep's table from its jobs, and rank them.

Exit status: 0 all is well, 1 a job failed, 2 wrong arguments, 3 no job failed but some have not
ended (the sweep still runs, or its driver was killed).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlx.errors import TlxError
from tlx.texts.told import tell
from tlx.texts.typed_path import typed_path

if TYPE_CHECKING:
    from tlx.sweeps.record import JobRecord

EXIT_FAILED, EXIT_UNFINISHED = 1, 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tlx.sweep",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sweep", type=typed_path, metavar="FOLDER", help="the sweep's folder")
    parser.add_argument(
        "--metric",
        action="append",
        metavar="NAME",
        help="rank by this metric, or return_value; repeated, the further ones are shown beside it",
    )
    parser.add_argument("--minimize", action="store_true", help="a smaller value is better")
    parser.add_argument("--debug", action="store_true", help="show the full traceback of an error")
    given = parser.parse_args(arguments)
    try:
        status = report(given.sweep, given.metric, given.minimize)
    except TlxError as error:
        if given.debug:
            raise
        tell("tlx.sweep", error)
        status = EXIT_FAILED
    sys.exit(status)


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
    from tlx.sweeps.lines import damage_lines, failure_lines, printable, status_counts
    from tlx.sweeps.record import FAILURES, UNFINISHED, read_sweep
    from tlx.sweeps.table import write_table

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
    from tlx.reports.across_seeds import markdown_table
    from tlx.sweeps.ranking import rank, shown_metrics

    names = list(dict.fromkeys(metrics or shown_metrics(records)))
    if not names:
        return ["No complete job has a number to rank by."]
    ranking = rank(records, names, minimize)
    lines = [f"all jobs: {' '.join(ranking.shared)}"] if ranking.shared else []
    lines.append(f"ranked by {names[0]}, {'lowest' if minimize else 'highest'} first")
    if ranking.left_out:
        lines.append(f"left out, complete but without a finite {names[0]}: {ranking.left_out}")
    return [*lines, "", *markdown_table(ranking.table, digits=4).splitlines()]


if __name__ == "__main__":
    main()
