"""The journal, and who may write it."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from tlx.errors import TlxError
from tlx.search.journal import opened_storage


def test_second_driver_is_refused(tmp_path: Path) -> None:
    with opened_storage(None, tmp_path):
        refused = pytest.raises(TlxError, match="is being written by another search")
        with refused, opened_storage(None, tmp_path):
            pass
    with opened_storage(None, tmp_path) as storage:
        assert storage.get_all_studies() == []


def test_journal_torn_by_a_kill_is_read_and_goes_on(tmp_path: Path) -> None:
    with opened_storage(None, tmp_path) as storage:
        study = optuna.create_study(storage=storage, study_name="a")
        study.tell(study.ask({"x": optuna.distributions.FloatDistribution(0, 1)}), 0.5)
    with (tmp_path / "optuna_journal.log").open("ab") as file:
        file.write(b'{"op_code": 4, "worker')
    for count in (1, 2):
        with opened_storage(None, tmp_path) as storage:
            study = optuna.load_study(storage=storage, study_name="a")
            assert len(study.trials) == count
            study.tell(study.ask(), 0.25)


def test_storage_may_be_another_file_or_a_database(tmp_path: Path) -> None:
    with opened_storage(str(tmp_path / "new" / "mine.log"), tmp_path):
        assert (tmp_path / "new" / "mine.log").is_file()
    with opened_storage(f"sqlite:///{tmp_path}/mine.db", tmp_path) as storage:
        study = optuna.create_study(storage=storage, study_name="a")
        study.tell(study.ask(), 0.25)
        assert study.best_value == 0.25


@pytest.mark.parametrize("line", [b"hello", b"\xff\xfe", b"[]", b"{}", b"7", b"[" * 9999, b"\x00"])
def test_journal_damaged_in_the_middle_is_one_sentence_and_stays(
    line: bytes, tmp_path: Path
) -> None:
    with opened_storage(None, tmp_path) as storage:
        optuna.create_study(storage=storage, study_name="a")
    path = tmp_path / "optuna_journal.log"
    whole = path.read_bytes()
    path.write_bytes(whole + line + b"\n" + whole)
    refused = pytest.raises(
        TlxError, match=rf"optuna_journal\.log is damaged in line {count(whole)}\. "
    )
    with refused, opened_storage(None, tmp_path):
        pass
    assert path.read_bytes() == whole + line + b"\n" + whole


def count(whole: bytes) -> int:
    return whole.count(b"\n") + 1
