from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest

from tests.small_disk import fill, small_disk
from tlx.sweeps.record import JobRecord
from tlx.sweeps.table import write_table
from tlx.sweeps.table_writer import TableWriter


def test_table_writer_writes_each_change_soon_and_the_last_at_the_end(tmp_path: Path) -> None:
    with TableWriter(tmp_path) as writer:
        writer.update([JobRecord(0)])
        deadline_s = time.monotonic() + 10
        while not (tmp_path / "results.csv").exists() and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert pd.read_csv(tmp_path / "results.csv")["number"].tolist() == [0]
        for count in range(1, 200):
            writer.update([JobRecord(number) for number in range(count)])
    assert pd.read_csv(tmp_path / "results.csv")["number"].tolist() == list(range(199))


def test_table_writer_in_a_folder_that_is_gone_logs_and_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("ERROR", logger="tlx"), TableWriter(tmp_path / "gone") as writer:
        writer.update([JobRecord(0)])
    assert caplog.messages == [f"The table of {tmp_path / 'gone'} could not be written."]


def test_table_writer_without_a_change_writes_nothing(tmp_path: Path) -> None:
    with TableWriter(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_table_writer_on_a_full_disk_says_so_once_and_keeps_the_last_table(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "disk", 128) as disk:
        write_table(disk, [JobRecord(0)])
        filler = fill(disk)
        with caplog.at_level("ERROR", logger="tlx"), TableWriter(disk) as writer:
            for _ in range(3):
                writer._write(tuple(JobRecord(n, error="x" * 100) for n in range(99)))
        (said,) = caplog.messages
        assert said.startswith(
            f"{disk}/results.csv cannot be written: the file system at {disk} has too little room"
        )
        assert said.endswith(
            f" Make room there. The sweep goes on; python -m tlx.sweep {disk} writes its table."
        )
        assert pd.read_csv(disk / "results.csv")["number"].tolist() == [0]
        filler.unlink()
        assert sorted(one.name for one in disk.iterdir()) == ["results.csv", "results.parquet"]
