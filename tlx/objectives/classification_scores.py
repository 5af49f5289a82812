"""How well a classifier did: the scores of one set of predicted probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.classification import (
    multiclass_calibration_error,
    multiclass_confusion_matrix,
)

from tlx.errors import TlxError

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class ClassScores:
    """The scores of one class, as fractions in [0, 1].

    Args:
        name: The class's name.
        precision: Share of the images predicted as this class that are of it; 0 if none was
            predicted.
        recall: Share of this class's images predicted as it; 0 if it has no image.
        f1: Harmonic mean of precision and recall; 0 where both are 0.
        support: Number of images of this class.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ClassificationScores:
    """The scores of a classifier on one set of images. All but `loss` and `samples` are in [0, 1].

    Args:
        samples: Number of images.
        loss: Mean negative log-likelihood of the true class, in nats.
        accuracy: Share of the images whose most probable class is the true one.
        balanced_accuracy: Mean recall over the classes that occur (equal to `macro_recall`).
        macro_precision: Mean precision over the classes that occur.
        macro_recall: Mean recall over the classes that occur.
        macro_f1: Mean F1 over the classes that occur (not the F1 of the two means above).
        expected_calibration_error: Guo et al. (2017), 15 equal-width bins, l1 norm.
        per_class: One entry per class, in class order, absent classes included.
        confusion_matrix: Image counts; row = true class, column = predicted class.
    """

    samples: int
    loss: float
    accuracy: float
    balanced_accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    expected_calibration_error: float
    per_class: tuple[ClassScores, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]

    @property
    def to_maximise(self) -> float:
        """The accuracy: what a sweeper maximises."""
        return self.accuracy

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain lists, dicts and numbers, ready for `json.dumps`."""
        return {
            **asdict(self),
            "per_class": [asdict(scores) for scores in self.per_class],
            "confusion_matrix": [list(row) for row in self.confusion_matrix],
        }


def classification_scores(
    probabilities: Tensor, labels: Tensor, class_names: Sequence[str]
) -> ClassificationScores:
    """Score predicted probabilities against the true labels.

    Macro averages run over the classes that occur in `labels`, as scikit-learn's
    `precision_recall_fscore_support(..., labels=numpy.unique(labels), average="macro",
    zero_division=0)`: a class without a true image is left out even if it was predicted (those
    predictions still cost recall where they belong), a class that occurs and is never predicted
    counts with precision 0. torchmetrics' own macro averages instead also include classes that
    are only predicted. Ratios are taken in double precision from the counts of torchmetrics'
    confusion matrix. Of equally probable classes the one with the lowest index is predicted.

    The calibration error is sum_b (n_b / n) |accuracy_b - confidence_b| over 15 equal-width bins
    of the top confidence (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017,
    equation 3). Bins include their lower edge, the last one also confidence 1.

    Args:
        probabilities: Floats in [0, 1], shape (n, classes), each row summing to 1 (to 1 %, so that
            half precision passes).
        labels: Integer class indices, shape (n,).
        class_names: One name per class, at least two.

    Returns:
        The scores. The loss is finite: a true class's probability of zero counts as the smallest
        normal float32 (1.2e-38, 87.3 nats).

    Raises:
        TlxError: The probabilities hold NaN or infinity: the training diverged.
        ValueError: Shapes disagree, no image is given, a label names no class, or the rows are
            not probabilities (logits, for instance).
    """
    probabilities = probabilities.detach().to("cpu", torch.float64)
    labels = labels.detach().to("cpu", torch.int64)
    _check(probabilities, labels, class_names)
    matrix = _confusion_matrix(probabilities, labels)
    ratios = _ratios_of(matrix)
    macro_precision, macro_recall, macro_f1 = ratios.means_of_occurring()
    return ClassificationScores(
        samples=len(labels),
        loss=_mean_negative_log_likelihood(probabilities, labels),
        accuracy=float(matrix.diagonal().sum().to(torch.float64) / len(labels)),
        balanced_accuracy=macro_recall,
        macro_precision=macro_precision,
        macro_recall=macro_recall,
        macro_f1=macro_f1,
        expected_calibration_error=_expected_calibration_error(probabilities, labels),
        per_class=ratios.of_each(class_names),
        confusion_matrix=tuple(tuple(row) for row in matrix.tolist()),
    )


@dataclass(frozen=True)
class _Ratios:
    """The ratios of every class, each of shape (classes,), in double precision."""

    precision: Tensor
    recall: Tensor
    f1: Tensor
    support: Tensor

    def of_each(self, class_names: Sequence[str]) -> tuple[ClassScores, ...]:
        """Return the scores of each class, in class order."""
        columns = [one.tolist() for one in (self.precision, self.recall, self.f1, self.support)]
        rows = zip(class_names, *columns, strict=True)
        return tuple(ClassScores(name, p, r, f, int(n)) for name, p, r, f, n in rows)

    def means_of_occurring(self) -> tuple[float, float, float]:
        """Return mean precision, recall and F1 over the classes that have an image."""
        occurs = self.support > 0
        precision, recall, f1 = (
            float(one[occurs].mean()) for one in (self.precision, self.recall, self.f1)
        )
        return precision, recall, f1


def _confusion_matrix(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return image counts, shape (classes, classes); row = true class, column = predicted class."""
    predictions, classes = probabilities.argmax(dim=1), probabilities.shape[1]
    counts: Tensor = multiclass_confusion_matrix(predictions, labels, num_classes=classes)
    return counts


def _ratios_of(matrix: Tensor) -> _Ratios:
    """Return the ratios that a confusion matrix of shape (classes, classes) gives."""
    counts = matrix.to(torch.float64)
    support, predicted, hits = counts.sum(dim=1), counts.sum(dim=0), counts.diagonal()
    return _Ratios(
        precision=_ratio(hits, predicted),
        recall=_ratio(hits, support),
        f1=_ratio(2 * hits, support + predicted),
        support=support,
    )


def _check(probabilities: Tensor, labels: Tensor, class_names: Sequence[str]) -> None:
    """Raise where the arguments of `classification_scores` cannot be scored."""
    classes = len(class_names)
    if classes < 2:
        raise ValueError(f"class_names={list(class_names)}: at least two classes are needed")
    if labels.ndim != 1 or probabilities.shape != (len(labels), classes):
        raise ValueError(
            f"probabilities of shape {tuple(probabilities.shape)} and labels of shape "
            f"{tuple(labels.shape)} do not fit {classes} classes: expected (n, {classes}) and (n,)"
        )
    if len(labels) == 0:
        raise ValueError("no images to score")
    if not bool(((labels >= 0) & (labels < classes)).all()):
        raise ValueError(
            f"labels range from {int(labels.min())} to {int(labels.max())}, "
            f"but the {classes} classes are 0 to {classes - 1}"
        )
    if not bool(probabilities.isfinite().all()):
        bad = int((~probabilities.isfinite()).any(dim=1).sum())
        raise TlxError(
            f"{bad} of {len(labels)} predictions are not finite: the training diverged. "
            "Lower the learning rate, or train in full precision."
        )
    sums_to_one = bool(((probabilities.sum(dim=1) - 1).abs() < 0.01).all())
    if not sums_to_one or float(probabilities.min()) < 0:
        raise ValueError("rows are not probabilities: take the softmax of logits first")


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Return the quotient, 0 where the denominator is 0."""
    return numerator / denominator.clamp(min=1)


def _mean_negative_log_likelihood(probabilities: Tensor, labels: Tensor) -> float:
    """Return the mean of -log p(true class), in nats."""
    true_class = probabilities.gather(1, labels.unsqueeze(1))
    return float(-true_class.clamp(min=torch.finfo(torch.float32).tiny).log().mean())


def _expected_calibration_error(probabilities: Tensor, labels: Tensor) -> float:
    """Return the l1 calibration error over equal-width bins of the top confidence."""
    # torchmetrics puts a confidence of exactly 1 in a bin of its own, and takes the softmax of
    # rows with any value above 1 (rounding does that). The largest float32 below 1 avoids both.
    below_one = 1 - 2**-24
    error = multiclass_calibration_error(
        probabilities.clamp(max=below_one),
        labels,
        num_classes=probabilities.shape[1],
        n_bins=CALIBRATION_BINS,
        norm="l1",
    )
    return float(error)
