"""Transfer learning of classes as a scikit-learn classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from tlx.sklearn.estimator import TransferEstimator

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_CLASSES = 2


class TransferClassifier(ClassifierMixin, TransferEstimator):  # type: ignore[misc]
    """Train a model B on a few labelled examples, from a model A that has learned from others.

    X may be rows of numbers, images, or paths of images:

    - an array or DataFrame of numbers (n, columns);
    - uint8 images (n, h, w), (n, h, w, 3) or (n, channels, h, w) with 1 or 3 channels;
    - a list, array or Series of paths of image files, or a DataFrame with one column of them.

    Every fit is a run of tlx, checked and carried out as `python -m tlx.train` does. Parameters
    are its options; None leaves tlx's own default.

    Args:
        backbone: Model A's builder. None is `mlp` for rows, and the model that tlx ships for
            images.
        strategy: How model B comes from model A. None is `feature_extraction`; for rows without
            `weights`, of which there is no model A, it is training from scratch.
        weights: Model A's weights: a name or a file, or the folder of an earlier run.
        epochs: Passes over the training examples.
        learning_rate: The highest learning rate.
        batch_size: Examples per step.
        val_fraction: Share of each class that chooses the epoch and is not learned from, at least
            one example. A class of one example has none; where that is so of all classes, the
            training examples choose, and a warning says so.
        scaling: How columns of numbers are scaled: `standard`, `minmax`, `robust` or `none`. None
            is as the run scaled its own that `weights` names, else `standard`.
        random_state: Splits, initial weights and the order of batches follow from it.
        overrides: Further options of `tlx.train`, each as `KEY=VALUE`.
        image_column: The column of a DataFrame that holds the paths; the others are not used.
        folder: Where the runs' folders are kept; None keeps none.
        features: The folder of the activation store. With frozen stages every example goes through
            them once, whatever the folds and the grid. None shares a temporary one among all fits
            of the process.
        device: `auto`, `cpu`, `cuda` or `mps`.
        verbose: Whether the run's lines are shown.

    Attributes:
        classes_: The class labels.
        n_features_in_: Columns of X, where it has columns.
        feature_names_in_: Their names, where X is a DataFrame.
        n_iter_: Epochs trained; of a probe, points of its path.
        run_: Scores, history and record of the fit.
        model_: The fitted model.
    """

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Train on examples and their classes.

        Args:
            X: Examples, see the class.
            y: The class of each: numbers, texts or truth values, shape (n,).

        Raises:
            ParameterError: With every fault of the parameters, before any work.
            ValueError: Where X or y cannot be used.
            TlxError: Where the training fails.
        """
        inputs, given = self._read(X, y)
        check_classification_targets(given)
        classes, labels = np.unique(given, return_inverse=True)
        if len(classes) < FEWEST_CLASSES:
            (only,) = classes.tolist()
            raise ValueError(
                f"y has 1 class ({only!r}), there is nothing to tell apart. Give examples of two "
                "classes or more."
            )
        self.classes_ = classes
        names = tuple(map(str, classes.tolist()))
        return self._fit(inputs, labels.astype(np.int64), names)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return class probabilities (n, classes), in the order of `classes_`.

        Args:
            X: What `fit` takes.
        """
        found = self._predictions(X)
        summed: NDArray[np.float64] = found / found.sum(axis=1, keepdims=True)
        return summed

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the most probable class of each example, shape (n,).

        Args:
            X: What `fit` takes.
        """
        found = self.predict_proba(X)
        classes: NDArray[Any] = self.classes_[found.argmax(axis=1)]
        return classes
