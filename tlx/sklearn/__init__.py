"""tlx's transfer as scikit-learn estimators: `TransferClassifier` and `TransferRegressor`."""

from tlx.sklearn.classifier import TransferClassifier
from tlx.sklearn.regressor import TransferRegressor

__all__ = ["TransferClassifier", "TransferRegressor"]
