from __future__ import annotations

import math

import pytest

from tlx.sweeps.lines import (
    best_job,
    duration,
    failure_lines,
    job_line,
    printable,
    status_counts,
    tail_lines,
)
from tlx.sweeps.record import JobRecord


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            JobRecord(3, ["a=1", "b=2"], status="completed", seconds=1.23, return_value=0.91234),
            "job 3 completed in 1.2 s: 0.9123 (a=1 b=2)",
        ),
        (JobRecord(0, status="completed"), "job 0 completed"),
        (
            JobRecord(1, ["a=1"], status="failed", seconds=61, error="ValueError: two\n lines"),
            "job 1 FAILED after 1 min 01 s: ValueError: two lines (a=1)",
        ),
        (
            JobRecord(2, status="killed", reason="signal 9, likely out of memory"),
            "job 2 KILLED: signal 9, likely out of memory",
        ),
        (JobRecord(2, status="timed_out", seconds=2), "job 2 TIMED OUT after 2.0 s"),
        (JobRecord(2, status="cancelled"), "job 2 cancelled"),
    ],
)
def test_job_line_tells_how_it_ended(record: JobRecord, line: str) -> None:
    assert job_line(record) == line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (60, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_duration_has_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_tail_lines_are_the_end_of_the_traceback_else_of_the_log() -> None:
    log = "\n".join(f"line {number}" for number in range(20))
    assert tail_lines(JobRecord(0, log_tail=log), 2) == ["    line 18", "    line 19"]
    assert tail_lines(JobRecord(0, log_tail=log, traceback="T\nE: x\n")) == ["    T", "    E: x"]
    assert tail_lines(JobRecord(0)) == []


def test_failure_lines_list_failures_alone() -> None:
    records = [
        JobRecord(0, status="completed"),
        JobRecord(1, status="lost", reason="executor gone"),
        JobRecord(2, status="cancelled"),
    ]
    assert failure_lines(records) == ["1 job failed:", "  job 1 LOST: executor gone"]
    assert failure_lines(records[:1]) == []


def test_status_counts_names_what_occurs() -> None:
    records = [JobRecord(0, status="timed_out"), JobRecord(1, status="completed"), JobRecord(2)]
    assert status_counts(records) == "1 completed, 1 timed out, 1 queued"


def test_best_job_leaves_out_what_is_no_number() -> None:
    values = [0.5, None, math.nan, 0.75, "0.9", True, 0.25]
    records = [JobRecord(n, return_value=value) for n, value in enumerate(values)]
    assert best_job(records, minimize=False) is records[3]
    assert best_job(records, minimize=True) is records[6]
    assert best_job(records[1:3], minimize=True) is None


def test_printable_escapes_control_characters_and_fits_the_encoding() -> None:
    assert printable("a\x1b[31m\nb\r±", "utf-8") == r"a\x1b[31m" + "\n" + r"b\r±"
    assert printable("0.5 ± ä", "ascii") == "0.5 +/- \\xe4"
    assert printable("\udcff", "utf-8") == r"\udcff"
