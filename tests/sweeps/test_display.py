from __future__ import annotations

import io
import re
import threading

import pytest

from tlx.sweeps import display as display_module
from tlx.sweeps.display import SweepDisplay
from tlx.sweeps.record import JobRecord


def run_four_jobs(display: SweepDisplay) -> None:
    for number in range(3):
        display.job_started(JobRecord(number))
    display.job_ended(JobRecord(0, ["a=1"], status="completed", seconds=1.0, return_value=0.5))
    display.job_ended(JobRecord(1, ["a=2"], status="failed", error="E: x", traceback="T\nE: x"))
    display.job_ended(JobRecord(2, ["a=3"], status="completed", seconds=1.0, return_value=0.75))
    display.job_ended(JobRecord(3, ["a=4"], status="skipped", return_value=0.625))


def test_display_in_a_log_writes_a_line_per_job_and_failures_twice() -> None:
    stream = io.StringIO()
    display = SweepDisplay(4, stream, is_terminal=False)
    run_four_jobs(display)
    display.close()
    display.close()
    lines = stream.getvalue().splitlines()
    lines[5] = re.sub(r"in [\d.]+ s", "in T s", lines[5])
    assert lines == [
        "[1/4] job 0 completed in 1.0 s: 0.5 (a=1)",
        "[2/4] job 1 FAILED: E: x (a=2)",
        "    T",
        "    E: x",
        "[3/4] job 2 completed in 1.0 s: 0.75 (a=3)",
        "4 jobs in T s: 2 completed, 1 skipped, 1 failed",
        "best 0.75: job 2 (a=3)",
        "1 job failed:",
        "  job 1 FAILED: E: x (a=2)",
    ]


def test_display_with_an_open_total_counts_without_an_end() -> None:
    stream = io.StringIO()
    display = SweepDisplay(None, stream, is_terminal=False)
    assert display.status_line() == "0 done, 0 running, 0 failed"
    run_four_jobs(display)
    display.job_started(JobRecord(4))
    assert display.status_line() == "3 done, 1 running, 1 failed  best 0.75: job 2 (a=3)"
    display.close()
    lines = stream.getvalue().splitlines()
    assert [line.split()[0] for line in lines if line.startswith("[")] == ["[1]", "[2]", "[3]"]
    assert re.match(r"4 jobs in .* failed, 1 not run to the end$", lines[-4])


def test_display_of_a_sweep_that_was_stopped_says_what_did_not_run() -> None:
    stream = io.StringIO()
    display = SweepDisplay(4, stream, is_terminal=False)
    display.job_ended(JobRecord(0, status="cancelled"))
    display.close()
    assert re.search(r"^1 job in .* s: 1 cancelled, 3 not run to the end$", stream.getvalue(), re.M)


def test_display_status_line_counts_and_estimates_the_time_left() -> None:
    display = SweepDisplay(6, io.StringIO(), is_terminal=False, minimize=True)
    assert display.status_line() == "0 done, 0 running, 0 failed, 6 queued"
    run_four_jobs(display)
    display.job_started(JobRecord(4))
    display._started_s -= 30.0  # three jobs in 30 s, two to go
    line = display.status_line()
    assert line == "3 done, 1 running, 1 failed, 1 queued, 20.0 s left  best 0.5: job 0 (a=1)"


def test_display_on_a_terminal_shows_one_live_line_and_the_same_lines() -> None:
    stream = io.StringIO()
    display = SweepDisplay(5, stream, is_terminal=True)
    run_four_jobs(display)
    display.close()
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", stream.getvalue())
    assert "0 done, 0 running, 0 failed, 5 queued" in text
    assert "[2/5] job 1 FAILED: E: x (a=2)\n    T\n    E: x\n" in text
    assert text.rstrip().endswith("1 job failed:\n  job 1 FAILED: E: x (a=2)")
    assert "\x1b[?25h" in stream.getvalue()  # the cursor is given back


def test_display_with_an_open_total_on_a_terminal_shows_its_line() -> None:
    stream = io.StringIO()
    display = SweepDisplay(None, stream, is_terminal=True)
    run_four_jobs(display)
    display.close()
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", stream.getvalue())
    assert "0 done, 0 running, 0 failed" in text
    assert "[2] job 1 FAILED: E: x (a=2)" in text


def test_display_used_from_many_threads_counts_every_job(monkeypatch: pytest.MonkeyPatch) -> None:
    # The live line is drawn by a thread of its own, so often here that its locks meet the others'.
    monkeypatch.setattr(display_module, "REFRESHES_PER_SECOND", 2000)
    stream = io.StringIO()
    display = SweepDisplay(400, stream, is_terminal=True)

    def jobs(first: int) -> None:
        for number in range(first, first + 50):
            display.job_started(JobRecord(number))
            display.job_ended(JobRecord(number, status="completed"))

    threads = [threading.Thread(target=jobs, args=(50 * index,), daemon=True) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert not any(thread.is_alive() for thread in threads)
    display.close()
    places = re.findall(r"\[ *(\d+)/400\] job", stream.getvalue())
    assert [int(place) for place in places] == list(range(1, 401))
    assert "400 completed" in stream.getvalue()


def test_display_of_escapes_in_an_error_shows_them_as_text() -> None:
    stream = io.StringIO()
    display = SweepDisplay(1, stream, is_terminal=False)
    display.job_ended(JobRecord(0, status="failed", error="E: \x1b[2J"))
    assert r"E: \x1b[2J" in stream.getvalue()
