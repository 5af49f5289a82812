"""What both estimators are: parameters, a fit by way of a run, features that reach the head."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from tlx.sklearn.fit import fit_examples
from tlx.sklearn.fitted import FittedModel
from tlx.sklearn.inputs import Inputs, columns_of, read_inputs, read_targets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tlx.data.in_memory.examples import Examples

Place = str | os.PathLike[str]


class TransferEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transfer learning from a model A, as scikit-learn has it; see `TransferClassifier`."""

    def __init__(
        self,
        *,
        backbone: str | None = None,
        strategy: str | None = None,
        weights: Place | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        val_fraction: float = 0.2,
        scaling: str | None = None,
        random_state: int | np.random.RandomState | None = None,
        overrides: Sequence[str] = (),
        image_column: str | None = None,
        folder: Place | None = None,
        features: Place | None = None,
        device: str | None = None,
        verbose: bool = False,
    ) -> None:
        self.backbone = backbone
        self.strategy = strategy
        self.weights = weights
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.val_fraction = val_fraction
        self.scaling = scaling
        self.random_state = random_state
        self.overrides = overrides
        self.image_column = image_column
        self.folder = folder
        self.features = features
        self.device = device
        self.verbose = verbose

    def transform(self, X: Any) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """Return the features that reach the head, shape (n, features).

        Args:
            X: What `fit` takes.
        """
        model, inputs, columns = self._asked(X)
        with self._left_as_found():
            return model.features(inputs, columns)

    def _read(self, X: Any, y: Any) -> tuple[Inputs, NDArray[Any]]:  # noqa: N803
        """Return what `fit` was given, checked.

        Raises:
            ValueError: Where X or y is none of what the estimators take, or they differ in length.
        """
        inputs = read_inputs(self, X, self.image_column, fits=True)
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        targets = read_targets(y)
        check_consistent_length(inputs.values, targets)
        return inputs, targets

    def _fit(self, inputs: Inputs, targets: NDArray[Any], class_names: tuple[str, ...]) -> Self:
        from tlx.data.in_memory.examples import Examples

        columns, are_named = columns_of(self) if inputs.kind == "rows" else ((), False)
        examples: Examples = Examples(inputs.values, targets, class_names, columns, are_named)
        model, record = fit_examples(type(self).__name__, self.get_params(deep=False), examples)
        self.model_: FittedModel = model
        self.run_ = record
        self.n_iter_ = int(record.result["epochs"])
        self._kind = inputs.kind
        return self

    def _predictions(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        model, inputs, columns = self._asked(X)
        with self._left_as_found():
            return model.predictions(inputs, columns)

    def _asked(self, X: Any) -> tuple[FittedModel, Inputs, tuple[str, ...]]:  # noqa: N803
        """Return the model, and examples of the kind that it was fitted on.

        Raises:
            NotFittedError: Where there is no model yet.
            ValueError: Where X is of another kind, or has other columns.
        """
        check_is_fitted(self, "model_")
        inputs = read_inputs(self, X, self.image_column, fits=False)
        if inputs.kind != self._kind and "rows" in (inputs.kind, self._kind):
            from tlx.sklearn.faults import InputError

            raise InputError(
                f"X holds {inputs.kind}, and {type(self).__name__} was fitted on {self._kind}. "
                "Give it the same."
            )
        columns = columns_of(self)[0] if inputs.kind == "rows" else ()
        return self.model_, inputs, columns

    def _left_as_found(self) -> Any:
        from tlx.sklearn.as_found import left_as_found

        return left_as_found(verbose=bool(self.verbose))

    @property
    def _n_features_out(self) -> int:
        """How many features `transform` gives."""
        if "model_" not in vars(self):
            raise AttributeError("_n_features_out")
        return self.model_.width
