"""The jobs that a sweep's folder holds, whoever ran them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tlx.errors import TlxError
from tlx.runs.record_file import read_record
from tlx.runs.stored import DamagedFileError
from tlx.sweeps.other_launchers import job_of_other_launcher
from tlx.sweeps.record import JOB_FILE, MOST_JOBS, JobRecord, number_of, with_fault, with_run
from tlx.sweeps.tlx_run import read_tlx_run

MAX_SUBFOLDER_DEPTH = 5


def read_job(folder: Path) -> JobRecord | None:
    """Read what is known of a job.

    The figures of a tlx run's own `result.json` fill what the record leaves open; the run of a
    driver that was killed may be found complete there. A folder without `job.json`, of another
    launcher, is told from its `result.json` and Hydra's `.hydra/`.

    Returns:
        None where the folder is not a job's. A job of which neither its `job.json` nor a run tells
        is `lost`. What is damaged is the `reason`, of a complete job too.
    """
    run, fault = read_tlx_run(folder)
    try:
        record = read_record(folder / JOB_FILE, JobRecord)
    except FileNotFoundError:
        return with_fault(job_of_other_launcher(folder, run), fault)
    except DamagedFileError as error:
        told = None if run is None else job_of_other_launcher(folder, run)
        if told is None:
            told = JobRecord(number=number_of(folder), status="lost")
        return with_fault(told, str(error))
    if not -1 <= record.number < MOST_JOBS:
        fault = f"{folder / JOB_FILE}: number {record.number} is none of a job."
        record = replace(record, number=number_of(folder))
    return with_fault(record if run is None else with_run(record, run), fault)


def read_jobs(folder: Path) -> list[tuple[Path, JobRecord]]:
    """Return every job of a sweep's folder with its own folder, by number.

    Args:
        folder: The sweep's folder. Jobs may lie deeper in it, where `hydra.sweep.subdir` says so.
    """
    return sorted(_walk(folder, 1), key=lambda job: (job[1].number, str(job[0])))


def read_sweep(folder: Path) -> list[JobRecord]:
    """Return the record of every job of a sweep's folder, by number.

    Raises:
        TlxError: Where the folder does not exist or holds no job.
    """
    if not folder.is_dir():
        raise TlxError(f"{folder} is no folder. Give the folder of a sweep (hydra.sweep.dir).")
    records = [record for _, record in read_jobs(folder)]
    if records:
        return records
    remedy = "Give the folder that holds the folders of its jobs (hydra.sweep.dir)."
    if (folder / JOB_FILE).exists() or read_tlx_run(folder) != (None, None):
        raise TlxError(f"{folder} is the folder of a single run, not of a sweep. {remedy}")
    raise TlxError(f"{folder} is not the folder of a sweep: no job is in it. {remedy}")


def _walk(folder: Path, depth: int) -> Iterator[tuple[Path, JobRecord]]:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir() and entry.name[0] != "."]
    for name in names:
        record = read_job(folder / name)
        if record is not None:
            yield folder / name, record
        elif depth < MAX_SUBFOLDER_DEPTH:
            yield from _walk(folder / name, depth + 1)
