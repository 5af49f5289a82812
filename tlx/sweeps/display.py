"""What a sweep shows while it runs: one live display on a terminal, plain lines in a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from tlx.sweeps.lines import (
    best_job,
    duration,
    failure_lines,
    job_line,
    printable,
    returned,
    status_counts,
    tail_lines,
)
from tlx.sweeps.record import FAILURES, JobRecord

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

REFRESHES_PER_SECOND = 4
BAR_COLUMNS = 40


class SweepDisplay:
    """Tells of a sweep's jobs as they start and end; its methods may be called from any thread.

    One line tells of each job that ends; a failed one shows the end of its traceback at once, and
    all failures are listed again at the end. A terminal also gets a live line: how many jobs are
    done, running, failed and queued, the time left, and the best return value so far. Skipped
    jobs have no line of their own, but count, also for the best.

    Args:
        total: How many jobs the sweep has. None: as many as will come, such as those of a search.
        stream: Where to write, such as `sys.stderr`.
        is_terminal: Whether the stream is a terminal (`stream.isatty()`).
        minimize: Whether a smaller return value is better.
    """

    def __init__(
        self, total: int | None, stream: TextIO, is_terminal: bool, *, minimize: bool = False
    ) -> None:
        self._total = total
        self._stream = stream
        self._encoding = stream.encoding or "utf-8"
        self._minimize = minimize
        # rich holds a lock of its own while it asks for the live line, for which `_lock` is taken.
        # Printing takes rich's: so it must never happen under `_lock`, but keeps its order by
        # `_printing`, which the live line does not need.
        self._lock = threading.RLock()
        self._printing = threading.RLock()
        self._running: set[int] = set()
        self._ended: list[JobRecord] = []
        self._started_s = time.perf_counter()
        self._closed = False
        self._live = self._open_live() if is_terminal else None

    def job_started(self, record: JobRecord) -> None:
        """Count a job as running."""
        with self._lock:
            if not self._running and not self._worked():
                self._started_s = time.perf_counter()  # a sweep's set-up tells nothing of its pace
            self._running.add(record.number)

    def job_ended(self, record: JobRecord) -> None:
        """Tell how a job ended, whether it had started or not."""
        with self._printing:
            lines = self._count_ended(record)
            if lines:
                self._print(lines)

    def close(self) -> None:
        """End the live display and sum up; a second call does nothing."""
        with self._printing:
            if self._closed:
                return
            self._closed = True
            if self._live is not None:
                self._live.stop()
            with self._lock:
                lines = self._summary()
            self._print(lines)

    def status_line(self) -> str:
        """Return the state of the sweep in one line."""
        with self._lock:
            failed = sum(record.status in FAILURES for record in self._ended)
            parts = [
                f"{len(self._ended) - failed} done",
                f"{len(self._running)} running",
                f"{failed} failed",
            ]
            if self._total is not None:
                parts.append(
                    f"{max(self._total - len(self._ended) - len(self._running), 0)} queued"
                )
            left_s = self._left_s()
            line = ", ".join(parts) + (f", {duration(left_s)} left" if left_s is not None else "")
            best = best_job(self._ended, self._minimize)
            return line + (f"  {_best_line(best)}" if best else "")

    def _count_ended(self, record: JobRecord) -> list[str]:
        """Count a job as ended and return what there is to tell of it."""
        with self._lock:
            self._running.discard(record.number)
            self._ended.append(record)
            if self._total is not None:
                self._total = max(self._total, len(self._ended))
            if record.status == "skipped":
                return []
            tail = tail_lines(record) if record.status in FAILURES else []
            return [f"{self._place()} {job_line(record)}", *tail]

    def _place(self) -> str:
        """Return how far the sweep is: `[ 3/12]`, or `[3]` where its end is open."""
        if self._total is None:
            return f"[{len(self._ended)}]"
        return f"[{len(self._ended):>{len(str(self._total))}}/{self._total}]"

    def _worked(self) -> list[JobRecord]:
        return [record for record in self._ended if record.status != "skipped"]

    def _left_s(self) -> float | None:
        """Return the time left at the pace so far, in seconds."""
        worked, left = len(self._worked()), (self._total or 0) - len(self._ended)
        if not worked or left <= 0:
            return None
        return (time.perf_counter() - self._started_s) / worked * left

    def _summary(self) -> list[str]:
        jobs = "1 job" if len(self._ended) == 1 else f"{len(self._ended)} jobs"
        spent = duration(time.perf_counter() - self._started_s)
        lines = [f"{jobs} in {spent}: {status_counts(self._ended) or 'none ended'}"]
        total = len(self._ended) + len(self._running) if self._total is None else self._total
        if len(self._ended) < total:
            lines[0] += f", {total - len(self._ended)} not run to the end"
        best = best_job(self._ended, self._minimize)
        return [*lines, *([_best_line(best)] if best else []), *failure_lines(self._ended)]

    def _print(self, lines: Sequence[str]) -> None:
        text = printable("\n".join(lines), self._encoding)
        if self._live is not None:
            self._live.console.print(text, soft_wrap=True)
        else:
            self._stream.write(text + "\n")
            self._stream.flush()

    def _open_live(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        console = Console(
            file=self._stream, force_terminal=True, highlight=False, markup=False, emoji=False
        )
        live = Live(
            console=console,
            get_renderable=lambda: self._renderable(console),
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
        )
        live.start()
        return live

    def _renderable(self, console: Console) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 1))
        bar = ProgressBar(
            total=None if self._total is None else max(self._total, 1),
            completed=len(self._ended),
            width=min(BAR_COLUMNS, console.width // 3),
        )
        line = printable(self.status_line(), self._encoding)
        row.add_row(bar, Text(line, no_wrap=True, overflow="crop"))
        return row


def _best_line(record: JobRecord) -> str:
    overrides = f" ({' '.join(record.overrides)})" if record.overrides else ""
    return f"best {returned(record.return_value)}: job {record.number}{overrides}"
