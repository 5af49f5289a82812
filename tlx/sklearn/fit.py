"""One fit of an estimator: a run of tlx on the examples that it was given."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sklearn.utils import check_random_state

from tlx.errors import ConfigError
from tlx.sklearn.as_found import left_as_found
from tlx.sklearn.faults import ParameterError
from tlx.sklearn.fit_record import FitRecord, record_of
from tlx.sklearn.fitted import FittedModel
from tlx.sklearn.words import PREPARATION, as_parameters, words_of_parameters

if TYPE_CHECKING:
    from tlx.data.in_memory.examples import Examples
    from tlx.inference.in_memory import StoreUse
    from tlx.plan.plan import Plan
    from tlx.runs.result import Result

MOST_SEED = 2**31 - 1


def fit_examples(
    name: str, parameters: Mapping[str, Any], examples: Examples
) -> tuple[FittedModel, FitRecord]:
    """Train as an estimator's parameters say, and return the model and the story of its fit.

    Args:
        name: The estimator's, for the record.
        parameters: Of `get_params`.
        examples: What to learn from.

    Raises:
        ParameterError: With every fault of the parameters, before any work.
        TlxError: Where the training fails.
    """
    number = not examples.class_names
    words = words_of_parameters(parameters, examples.kind, predicts_number=number)
    seed = _seed(parameters["random_state"])
    with left_as_found(verbose=parameters["verbose"]), _place(parameters["folder"]) as place:
        from tlx.config.in_memory import plan_in_memory, train_in_memory

        try:
            plan, cfg = plan_in_memory(words, seed, examples)
        except ConfigError as error:
            raise ParameterError(as_parameters(error.faults, parameters)) from error
        command = f"{name}: {' '.join(words)}"
        verbose = bool(parameters["verbose"])
        result = train_in_memory(plan, cfg, place, command=command, verbose=verbose)
        kept = None if parameters["folder"] is None else place
        record = record_of(place, kept, result)
        model = _model(place, plan, result, parameters["device"] or "auto")
    _warn(result)
    return model, record


def _seed(random_state: Any) -> int:
    """Return a whole number for the run, by scientific Python's rules of `random_state`."""
    generator = check_random_state(random_state)
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(generator.randint(MOST_SEED))


@contextmanager
def _place(folder: Any) -> Iterator[Path]:
    """Give the run's folder: a new one in a folder that was named, or one that goes."""
    if folder is not None:
        yield Path(os.fspath(folder)) / f"{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
        return
    with tempfile.TemporaryDirectory(prefix="tlx-fit-") as scratch:
        yield Path(scratch) / "run"


def _model(place: Path, plan: Plan, result: Result, device: str) -> FittedModel:
    from tlx.runs.run import WEIGHTS_FILE

    file = place / PREPARATION
    preparation = json.loads(file.read_text()) if file.is_file() else None
    weights = (place / WEIGHTS_FILE).read_bytes()
    return FittedModel(weights, preparation, device, _store(plan, result))


def _store(plan: Plan, result: Result) -> StoreUse | None:
    """Return where the fit kept activations that every epoch and the scores took, if it did."""
    from tlx.inference.in_memory import StoreUse

    used, settings = result.activations, plan.activations
    if not used.get("used") or used.get("cut") is None or not settings.per_example:
        return None
    folder = Path(settings.folder).absolute()
    return StoreUse(folder, settings.max_gb, settings.half_precision, used["cut"])


def _warn(result: Result) -> None:
    """Warn of a validation that is less than was asked for."""
    if result.data.get("validated_on_training_examples"):
        said = "no example could be spared for validation: the epoch was chosen by those trained on"
        warnings.warn(said, UserWarning, stacklevel=4)
    lacking = result.data.get("classes_without_validation", [])
    if lacking:
        said = f"classes with a single example are trained on and not validated: {lacking}"
        warnings.warn(said, UserWarning, stacklevel=4)
