"""An estimator's parameters as the words of `tlx.train`, so that both mean the same."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlx.errors import Fault, TlxError
from tlx.sklearn.faults import ParameterError
from tlx.sklearn.shared_features import MOST_GB, shared_folder

if TYPE_CHECKING:
    from tlx.data.in_memory.examples import Kind

KEYS = {
    "backbone": "backbone",
    "weights": "backbone.weights",
    "strategy": "strategy",
    "epochs": "trainer.epochs",
    "learning_rate": "optimizer.lr",
    "batch_size": "trainer.batch_size",
    "device": "trainer.device",
    "val_fraction": "data.val_fraction",
    "scaling": "data.scaling",
    "features": "activations.folder",
}
"""Parameters that are one option each."""
NOT_HERE = {
    "data": "X and y are the data",
    "seed": "random_state is the seed",
    "resume": "fit always starts anew",
    "experiment": "an experiment is several runs",
    "debug": "errors carry their traceback",
    "hydra": "no command is run",
}
PREPARATION = "preparation.json"
FOLDER = "activations.folder"
OF_THE_DATA = ("data.size", "data.resize", "data.depth")
"""What of the data may be said in words: how image files are stored."""


def words_of_parameters(
    parameters: Mapping[str, Any], kind: Kind, *, predicts_number: bool
) -> tuple[str, ...]:
    """Return the words that an estimator's parameters stand for.

    Args:
        parameters: Of `get_params`.
        kind: What X is.
        predicts_number: Whether a number is to be predicted.

    Raises:
        ParameterError: Where overrides are no words, say what another parameter says, or what no
            word can say here.
    """
    from tlx.config.typed.words import words_of

    overrides = _overrides(parameters["overrides"])
    given = {KEYS[name]: value for name, value in parameters.items() if _is_said(name, value)}
    said = {key: word for word in overrides for key in [key_of(word)]}
    faults = [*_refused(said), *_twice(given, said)]
    if faults:
        raise ParameterError(faults)
    defaults = _defaults(parameters, {**said, **given}, kind, predicts_number=predicts_number)
    kept = {key: value for key, value in defaults.items() if key not in {**said, **given}}
    try:
        # Groups first: an option of a group is said of the choice made there.
        return (*words_of(kept | given), *overrides)
    except TlxError as error:
        reason = str(error).partition(". ")[0]
        raise ParameterError([Fault("parameters", "?", reason, "Give plain values.")]) from error


def as_parameters(faults: Sequence[Fault], parameters: Mapping[str, Any]) -> list[Fault]:
    """Return faults of options as those of the parameters that said them.

    Args:
        faults: Whose keys are options.
        parameters: Of `get_params`.
    """
    names = {key: name for name, key in KEYS.items() if _is_said(name, parameters[name])}
    return [replace(fault, key=names.get(fault.key, fault.key)) for fault in faults]


def key_of(word: str) -> str:
    """Return the key of a word (`strategy` of `strategy=partial`)."""
    return word.partition("=")[0].lstrip("+~")


def _is_said(name: str, value: Any) -> bool:
    return name in KEYS and value is not None


def _overrides(given: Any) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        reason = "it is no list of words"
        remedy = "Give KEY=VALUE in a list, as tlx.train takes them."
        raise ParameterError([Fault("overrides", given, reason, remedy)])
    faults = [
        Fault("overrides", word, "it is no option", "Give KEY=VALUE, as tlx.train takes it.")
        for word in given
        if not isinstance(word, str) or word.startswith("-") or "=" not in word
    ]
    if faults:
        raise ParameterError(faults)
    return tuple(given)


def _refused(said: Mapping[str, str]) -> list[Fault]:
    return [
        Fault("overrides", word, NOT_HERE[key.split(".")[0].split("/")[0]], "Leave it out.")
        for key, word in said.items()
        if key.split(".")[0].split("/")[0] in NOT_HERE and key not in OF_THE_DATA
    ]


def _twice(given: Mapping[str, Any], said: Mapping[str, str]) -> list[Fault]:
    names = {key: name for name, key in KEYS.items()}
    return [
        Fault("overrides", said[key], f"{names[key]}={value!r} says it", "Leave one of them out.")
        for key, value in given.items()
        if key in said
    ]


def _defaults(
    parameters: Mapping[str, Any], said: Mapping[str, Any], kind: Kind, *, predicts_number: bool
) -> dict[str, Any]:
    """Return what is meant where nothing is said, in the order of a command line."""
    defaults: dict[str, Any] = {"activations.per_example": True}
    if FOLDER not in said and not os.environ.get("TLX_ACTIVATIONS"):
        defaults |= {FOLDER: shared_folder(), "activations.max_gb": MOST_GB}
    if predicts_number:
        defaults["loss"] = "mse"
    if kind != "rows":
        return defaults
    # Small products gain nothing from more threads, and lose much where others compute as well.
    defaults |= {"backbone": "mlp", "trainer.threads": 1}
    if "backbone.weights" not in said and "strategy" not in said:
        defaults |= {"strategy": "structure_reuse", "strategy.init": "scratch"}
    weights = parameters["weights"]
    if parameters["scaling"] is None and _is_table_run(weights):
        defaults["data.preparation"] = os.fspath(weights)
    return defaults


def _is_table_run(weights: Any) -> bool:
    """Return whether weights are a run's that says how it prepared its rows."""
    return isinstance(weights, str | os.PathLike) and (Path(weights) / PREPARATION).is_file()
