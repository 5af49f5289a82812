from __future__ import annotations

import pytest
import torch

from tlx.data.splits import task_fingerprint
from tlx.data.task import Split, Task, UnlabeledSplit, splits_of
from tlx.errors import TlxError


def split(first: int, count: int, domain: str = "target") -> Split:
    rows = torch.arange(first, first + count)
    return Split(rows.float().view(-1, 1), rows % 2, rows, domain)


def task() -> Task:
    splits = splits_of(split(0, 4), split(10, 2), split(20, 3))
    return Task("rows", ("a", "b"), splits, task_fingerprint(splits))


def test_task_of_three_splits_gives_them_by_name() -> None:
    made = task()
    assert [len(s) for s in (made.train, made.val, made.test)] == [4, 2, 3]
    assert made.split("val") is made.val
    assert {s.domain for s in made.splits.values()} == {"target"}


def test_task_with_more_splits_keeps_the_others_and_their_domains() -> None:
    more = task().with_splits(
        source=split(50, 6, "photos"), unlabeled=split(60, 5).without_labels()
    )
    assert list(more.splits) == ["train", "val", "test", "source", "unlabeled"]
    assert more.labeled("source").domain == "photos"
    assert more.train is not None
    assert len(more.split("unlabeled")) == 5
    assert task().splits.keys() == {"train", "val", "test"}


def test_split_without_labels_has_none_to_look_at() -> None:
    hidden = split(0, 4, "photos").without_labels()
    assert not hasattr(hidden, "labels")
    assert (hidden.domain, hidden.sample_ids.tolist()) == ("photos", [0, 1, 2, 3])
    made = task().with_splits(unlabeled=hidden)
    with pytest.raises(TlxError) as error:
        made.labeled("unlabeled")
    assert str(error.value) == "split 'unlabeled' of task rows has no labels, by construction"


def test_task_asked_for_an_absent_split_names_those_it_has() -> None:
    with pytest.raises(TlxError) as error:
        task().split("source")
    assert str(error.value) == "task rows has no split 'source'; it has train, val, test"


def test_task_fingerprint_depends_on_further_splits_and_on_whether_labels_are_there() -> None:
    made = task()
    labeled = made.with_splits(source=split(50, 6))
    hidden = made.with_splits(source=split(50, 6).without_labels())
    prints = {task_fingerprint(one.splits) for one in (made, labeled, hidden)}
    assert len(prints) == 3
    assert isinstance(hidden.split("source"), UnlabeledSplit)


def test_scored_splits_of_a_task_without_a_test_split_are_val_alone() -> None:
    one = Split(torch.zeros(1, 3), torch.zeros(1).long(), torch.zeros(1).long())
    task = Task("tiny", ("a", "b"), {"train": one, "val": one}, "0" * 64)
    assert task.scored == {"val": one}
    assert task.with_splits(test=one).scored == {"val": one, "test": one}
    with pytest.raises(TlxError, match=r"^task tiny has no split 'test'; it has train, val$"):
        _ = task.test
