"""Transfer learning of numbers as a scikit-learn regressor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import check_array

from tlx.sklearn.estimator import TransferEstimator

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_EXAMPLES = 2


class TransferRegressor(RegressorMixin, TransferEstimator):  # type: ignore[misc]
    """Train a model B that predicts a number, from a model A that has learned from other examples.

    X, parameters and attributes are those of `TransferClassifier`, without classes. The numbers are
    trained on with mean 0 and variance 1, and predicted in their own units. Validation takes two
    examples or more; of fewer than four, all are learned from and choose the epoch.
    """

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Train on examples and their numbers.

        Args:
            X: Examples, see `TransferClassifier`.
            y: The number of each, shape (n,).

        Raises:
            ParameterError: With every fault of the parameters, before any work.
            ValueError: Where X or y cannot be used.
            TlxError: Where the training fails.
        """
        inputs, given = self._read(X, y)
        numbers = check_array(given, ensure_2d=False, dtype=np.float64, input_name="y")
        if len(numbers) < FEWEST_EXAMPLES:
            raise ValueError("n_samples=1: a fit takes two examples or more. Give more of them.")
        return self._fit(inputs, numbers, ())

    def predict(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the number of each example, in the units of y, shape (n,).

        Args:
            X: What `fit` takes.
        """
        return self._predictions(X)
