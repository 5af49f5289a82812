from __future__ import annotations

import pickle

import pytest

from tlx.spark.isolation.task import JobTask, Member


def task(**changes: object) -> JobTask:
    given = {
        "number": 3, "folder": "/sweep/3", "config": b"c", "context": b"x", "cwd": "/start",
        "sys_path": ["/a"], "environment": {"A": "1"}, "isolation": "fork", "preload": ["torch"],
        "threads": 2, "may_resume": False, "timeout_s": None, "grace_s": 1.0,
        "max_return_bytes": 10, "token": "t",
    }  # fmt: skip
    return JobTask(**given | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sent",
    [
        task(),
        task(group=[Member(b"a", "/sweep/4"), Member(b"b", "/sweep/5")], hooks="tlx.hooks"),
        task(part=(0, 2), attempt=1, learn=["numpy"], timeout_s=4.5),
    ],
)
def test_task_that_travelled_is_the_task_that_was_sent(sent: JobTask) -> None:
    builtins = pickle.loads(pickle.dumps(sent.to_builtins()))
    assert all(type(value).__module__ == "builtins" for value in builtins.values())
    assert all(type(member) is dict for member in builtins["group"])
    assert JobTask.from_builtins(builtins) == sent


def test_task_from_another_versions_builtins_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        JobTask.from_builtins(task().to_builtins() | {"colour": "red"})
