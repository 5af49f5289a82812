"""A baseline without any network: an RBF SVM on the digits' raw pixels, same splits.

python -m experiments.digits_fewshot.svm
"""

from __future__ import annotations

from sklearn.svm import SVC

from experiments.digits_fewshot.__main__ import SEEDS
from tlx.data.images.digits import Digits
from tlx.reports.across_seeds import mean_and_spread, mean_with_spread


def accuracy(seed: int) -> float:
    """Return the test accuracy with ten labels per class."""
    task = Digits(seed=seed).load()
    train, test = (s.inputs.flatten(1).numpy() / 255.0 for s in (task.train, task.test))
    model = SVC(C=10).fit(train, task.train.labels.numpy())
    return float(model.score(test, task.test.labels.numpy()))


if __name__ == "__main__":
    print(mean_with_spread(*mean_and_spread([accuracy(seed) for seed in SEEDS])))
