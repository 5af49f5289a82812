from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.spark import spark_jobs
from tlx.spark.launcher.job.function_reference import (
    FunctionReference,
    reference,
    script_fingerprint,
)
from tlx.spark.pickling import (
    named,
    pickled_exception,
    refuse_unpicklable,
    survives,
    unpicklable_part,
)

ROOT = Path(__file__).resolve().parents[4]
TELL = """
import dataclasses, functools, json
from tlx.spark.launcher.job.function_reference import reference

def decorated(function):
    @functools.wraps(function)
    def wrapper():
        return function(1)
    wrapper.task = function
    return wrapper

@decorated
def job(cfg):
    return cfg

if __name__ == "__main__":
    print(json.dumps(dataclasses.asdict(reference(job.task))))
"""


def test_function_of_a_module_is_found_by_its_name() -> None:
    found = reference(spark_jobs.square)
    assert found == FunctionReference("tests.spark.spark_jobs", None, "square", 0)
    assert found is not None
    assert found.load() is spark_jobs.square


@pytest.mark.parametrize("way", ["script", "module"])
def test_function_of_main_below_a_decorator_is_found_by_its_module(
    tmp_path: Path, way: str
) -> None:
    (tmp_path / "told.py").write_text(TELL)
    how = ["told.py"] if way == "script" else ["-m", "told"]
    done = subprocess.run(
        [sys.executable, *how],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = FunctionReference(**json.loads(done.stdout))
    file = str(tmp_path / "told.py") if way == "script" else None
    assert found == FunctionReference("told", file, "job", 1)
    if way == "script":
        assert found.load()(5) == 5
        assert sys.modules.pop("told").__name__ == "told"


def test_closures_lambdas_and_objects_have_no_reference() -> None:
    class Job:
        def __call__(self, cfg: Any) -> None: ...

    def inner(cfg: Any) -> None: ...

    assert reference(inner) is reference(lambda cfg: cfg) is reference(Job()) is None
    assert reference(functools.partial(spark_jobs.square)) is None
    assert script_fingerprint(spark_jobs.square) is None


def test_exception_with_two_arguments_is_not_trusted() -> None:
    assert pickled_exception(spark_jobs.TwoArgumentsError(1, "a")) is None
    assert pickled_exception(spark_jobs.UnpicklableError("a")) is None
    assert pickled_exception(ValueError("a", 2)) is not None


def test_named_exception_tells_module_type_and_message() -> None:
    assert named(ValueError("bad")) == "ValueError: bad"
    assert named(KeyError()) == "KeyError"
    told = named(spark_jobs.TwoArgumentsError(1, "a"))
    assert told == "tests.spark.spark_jobs.TwoArgumentsError: 1: a"


def test_value_that_comes_back_as_another_type_does_not_survive() -> None:
    with Path(__file__).open() as file:  # cloudpickle turns it into a StringIO
        assert survives(file) is None
    assert survives({"a": 1.5}) is not None


def test_unpicklable_part_is_named_through_helper_functions() -> None:
    lock = __import__("threading").Lock()

    def helper() -> bool:
        return bool(lock.locked())

    def job(cfg: Any) -> bool:
        return helper()

    assert unpicklable_part(job) == "helper.lock"
    error = refuse_unpicklable(job, TypeError("cannot pickle '_thread.lock' object"))
    assert "its variable 'helper.lock' cannot be pickled" in str(error)
