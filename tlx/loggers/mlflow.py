"""Log a run to MLflow: a local SQLite file, or a server."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from filelock import FileLock
from pydantic import Field

from tlx.errors import Fault
from tlx.loggers.logger import RunAbout, RunEnd, missing_package_faults

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mlflow import MlflowClient

SQLITE = "sqlite:///"
PARAMS_PER_BATCH = 100
"""MLflow takes no more at once."""


@dataclass(frozen=True)
class Mlflow:
    """Log to MLflow; look with `mlflow ui --backend-store-uri sqlite:///outputs/mlflow.db`.

    Args:
        tracking_uri: MLflow's name of the store: a SQLite file or a server.
        experiment: The experiment that runs are filed under; made where there is none.
    """

    tracking_uri: Annotated[str, Field(min_length=1)] = "sqlite:///outputs/mlflow.db"
    experiment: Annotated[str, Field(min_length=1)] = "tlx"

    def faults(self) -> list[Fault]:
        """Return a fault where the packages are missing."""
        return missing_package_faults("mlflow")

    def open(self, about: RunAbout) -> MlflowLog:
        """Return a log for a run, filed under the experiment."""
        lock = _lock_of(self.tracking_uri)
        client_class = _client_class()
        with lock, _quiet():
            client = client_class(tracking_uri=self.tracking_uri)
            if about.log_id is None:
                log_id = _new_run(client, self.experiment, about)
            else:
                log_id = about.log_id
                client.update_run(log_id, status="RUNNING")
        return MlflowLog(client, log_id, lock)


class MlflowLog:
    """A run at MLflow.

    Args:
        client: MLflow's client.
        log_id: MLflow's id of the run.
        lock: Held while writing; a SQLite file takes one writer at a time.
    """

    def __init__(
        self, client: MlflowClient, log_id: str, lock: AbstractContextManager[Any]
    ) -> None:
        self.log_id = log_id
        self._client = client
        self._lock = lock

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        """Write an epoch's metrics, in one piece."""
        self._log(metrics, step=number)

    def end(self, end: RunEnd) -> None:
        """Write the final scores as metrics `final/...` and the files' paths as tags."""
        from mlflow.entities import RunTag

        tags = [RunTag(f"file.{name}", str(path)) for name, path in end.files.items()]
        summary = {f"final/{name}": value for name, value in end.summary.items()}
        self._log(summary, step=0, tags=tags)
        with self._lock:
            status = "FINISHED" if end.completed else "FAILED"
            self._client.set_terminated(self.log_id, status=status)

    def _log(self, metrics: Mapping[str, float], step: int, tags: Sequence[Any] = ()) -> None:
        import time

        from mlflow.entities import Metric

        now_ms = int(1000 * time.time())
        entries = [Metric(name, value, now_ms, step) for name, value in metrics.items()]
        with self._lock:
            self._client.log_batch(self.log_id, metrics=entries, tags=tags)


def _client_class() -> type[MlflowClient]:
    # Nothing leaves the machine that the user did not send; MLflow reads this when imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    client: type[MlflowClient] = MlflowClient  # of no known type where mlflow is not installed
    return client


def _new_run(client: MlflowClient, experiment: str, about: RunAbout) -> str:
    """Return the id of a new run with its options."""
    from mlflow.entities import Param

    found = client.get_experiment_by_name(experiment)
    experiment_id = client.create_experiment(experiment) if found is None else found.experiment_id
    tags = {"run_folder": str(about.folder.absolute())}
    run_id = str(client.create_run(experiment_id, run_name=about.name, tags=tags).info.run_id)
    params = [Param(name, str(value)) for name, value in about.params.items()]
    for first in range(0, len(params), PARAMS_PER_BATCH):
        client.log_batch(run_id, params=params[first : first + PARAMS_PER_BATCH])
    return run_id


def _lock_of(tracking_uri: str) -> AbstractContextManager[Any]:
    """Return a lock beside a SQLite file, which several jobs might make and fill at once."""
    if not tracking_uri.startswith(SQLITE):
        return nullcontext()
    file = Path(tracking_uri.removeprefix(SQLITE))
    file.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(file.with_name(f".{file.name}.lock"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what MLflow says while it makes its tables."""
    import logging

    names = ("mlflow", "alembic")
    levels = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.WARNING)
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
