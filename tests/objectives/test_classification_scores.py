from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch import Tensor
from torchmetrics.functional.classification import multiclass_f1_score, multiclass_precision

from tlx.errors import TlxError
from tlx.objectives.classification_scores import ClassificationScores, classification_scores


def _random_case(
    classes: int, samples: int, seed: int, absent: int | None = None, unpredicted: int | None = None
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (samples,), generator=generator)
    if absent is not None:
        labels[labels == absent] = (absent + 1) % classes
    logits = torch.randn(samples, classes, generator=generator)
    logits[torch.arange(samples), labels] += 1.0
    if unpredicted is not None:
        logits[:, unpredicted] = -20.0
    return logits.softmax(dim=1), labels


def _names(classes: int) -> list[str]:
    return [f"class {index}" for index in range(classes)]


def _assert_equals_sklearn(
    scores: ClassificationScores, probabilities: Tensor, labels: Tensor
) -> None:
    classes = probabilities.shape[1]
    truth, predicted = labels.numpy(), probabilities.argmax(dim=1).numpy()
    assert scores.samples == len(truth)
    assert scores.accuracy == pytest.approx(
        metrics.accuracy_score(truth, predicted), rel=1e-12, abs=1e-12
    )
    with warnings.catch_warnings():  # scikit-learn warns of predicted classes without a true one
        warnings.simplefilter("ignore", UserWarning)
        balanced = metrics.balanced_accuracy_score(truth, predicted)
    assert scores.balanced_accuracy == pytest.approx(balanced, rel=1e-12, abs=1e-12)
    double = probabilities.double().numpy()
    expected_loss = metrics.log_loss(
        truth, double / double.sum(axis=1, keepdims=True), labels=range(classes)
    )
    assert scores.loss == pytest.approx(expected_loss, rel=1e-6)
    macro = metrics.precision_recall_fscore_support(
        truth, predicted, labels=np.unique(truth), average="macro", zero_division=0
    )
    ours = (scores.macro_precision, scores.macro_recall, scores.macro_f1)
    assert ours == pytest.approx(macro[:3], rel=1e-12, abs=1e-12)
    per_class = metrics.precision_recall_fscore_support(
        truth, predicted, labels=range(classes), average=None, zero_division=0
    )
    for column, field in enumerate(("precision", "recall", "f1", "support")):
        mine = [getattr(one, field) for one in scores.per_class]
        assert mine == pytest.approx(per_class[column].tolist(), rel=1e-12, abs=1e-12)
    matrix = metrics.confusion_matrix(truth, predicted, labels=range(classes))
    assert scores.confusion_matrix == tuple(map(tuple, matrix.tolist()))


@pytest.mark.parametrize(
    ("classes", "samples", "absent", "unpredicted"),
    [
        (5, 400, None, None),
        (2, 60, None, None),
        (37, 300, None, None),
        (5, 200, 3, None),
        (5, 200, None, 2),
        (5, 200, 3, 2),
        (5, 200, 3, 3),
        (2, 30, 1, None),
        (4, 1, None, None),
    ],
)
def test_scores_random_predictions_equal_sklearn(
    classes: int, samples: int, absent: int | None, unpredicted: int | None
) -> None:
    probabilities, labels = _random_case(classes, samples, 7, absent, unpredicted)
    scores = classification_scores(probabilities, labels, _names(classes))
    _assert_equals_sklearn(scores, probabilities, labels)
    if absent is not None:
        assert scores.per_class[absent].support == 0
    if unpredicted is not None:
        assert scores.per_class[unpredicted].precision == 0.0


def test_scores_all_classes_present_equal_torchmetrics_macro() -> None:
    probabilities, labels = _random_case(5, 400, seed=1)
    scores = classification_scores(probabilities, labels, _names(5))
    precision = multiclass_precision(probabilities, labels, num_classes=5, average="macro")
    f1 = multiclass_f1_score(probabilities, labels, num_classes=5, average="macro")
    assert scores.macro_precision == pytest.approx(precision.item(), abs=1e-6)
    assert scores.macro_f1 == pytest.approx(f1.item(), abs=1e-6)


def test_scores_class_only_predicted_is_left_out_of_macro() -> None:
    probabilities = torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    labels = torch.tensor([0, 1, 1])
    scores = classification_scores(probabilities, labels, ["a", "b", "c"])
    assert scores.macro_precision == 1.0
    assert scores.macro_recall == 0.75
    assert scores.macro_f1 == pytest.approx((1 + 2 / 3) / 2)
    assert scores.confusion_matrix == ((1, 0, 0), (0, 1, 1), (0, 0, 0))


def test_calibration_error_small_case_equals_hand_computed() -> None:
    # Bins of width 1/15: 0.55 alone in [8/15, 9/15); 0.81 and 0.85 in [12/15, 13/15);
    # 0.95 and 1.0 in the last one.
    confidences = torch.tensor([0.55, 0.81, 0.85, 0.95, 1.0])
    labels = torch.tensor([1, 0, 1, 0, 1])  # class 0 is always predicted
    probabilities = torch.stack([confidences, 1 - confidences], dim=1)
    scores = classification_scores(probabilities, labels, ["a", "b"])
    expected = (abs(0 - 0.55) + abs(1 - (0.81 + 0.85)) + abs(1 - (0.95 + 1.0))) / 5
    assert scores.expected_calibration_error == pytest.approx(expected, abs=1e-6)


def test_calibration_error_many_predictions_equals_binwise_loop() -> None:
    probabilities, labels = _random_case(4, 500, seed=3)
    confidences, predictions = probabilities.double().max(dim=1)
    correct = (predictions == labels).double()
    expected = 0.0
    for index in range(15):
        inside = (confidences >= index / 15) & (confidences < (index + 1) / 15)
        if inside.any():
            gap = (correct[inside].mean() - confidences[inside].mean()).abs()
            expected += float(gap * inside.double().mean())
    scores = classification_scores(probabilities, labels, _names(4))
    assert scores.expected_calibration_error == pytest.approx(expected, abs=1e-6)


def test_calibration_error_rounding_above_one_is_not_softmaxed() -> None:
    probabilities = torch.tensor([[1.0 + 1e-7, 0.0], [0.0, 1.0 + 1e-7]], dtype=torch.float64)
    scores = classification_scores(probabilities, torch.tensor([0, 1]), ["a", "b"])
    assert scores.expected_calibration_error == pytest.approx(0.0, abs=1e-6)


def test_loss_zero_probability_stays_finite() -> None:
    scores = classification_scores(torch.tensor([[1.0, 0.0]]), torch.tensor([1]), ["a", "b"])
    assert scores.loss == pytest.approx(-math.log(torch.finfo(torch.float32).tiny))
    assert scores.accuracy == 0.0


def test_scores_half_precision_probabilities_are_accepted() -> None:
    probabilities, labels = _random_case(37, 64, seed=5)
    half = probabilities.to(torch.bfloat16)
    scores = classification_scores(half, labels, _names(37))
    full = classification_scores(probabilities, labels, _names(37))
    assert scores.loss == pytest.approx(full.loss, rel=0.01)


def test_to_dict_through_json_returns_same_values() -> None:
    probabilities, labels = _random_case(3, 20, seed=2, absent=1)
    scores = classification_scores(probabilities, labels, ["a", "b", "c"])
    read = json.loads(json.dumps(scores.to_dict(), allow_nan=False))
    assert read == scores.to_dict()
    assert read["accuracy"] == scores.accuracy
    assert read["per_class"][1] == {
        "name": "b",
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "support": 0,
    }
    assert np.sum(read["confusion_matrix"]) == 20


def test_scores_nan_probabilities_say_training_diverged() -> None:
    probabilities = torch.tensor([[0.5, 0.5], [float("nan"), 0.5]])
    with pytest.raises(TlxError, match=r"1 of 2 predictions are not finite.*learning rate"):
        classification_scores(probabilities, torch.tensor([0, 1]), ["a", "b"])


@pytest.mark.parametrize(
    ("probabilities", "labels", "names", "message"),
    [
        (torch.tensor([[2.0, -1.0]]), torch.tensor([0]), ["a", "b"], "softmax"),
        (torch.tensor([[3.0, 1.0]]), torch.tensor([0]), ["a", "b"], "softmax"),
        (torch.empty(0, 2), torch.empty(0, dtype=torch.long), ["a", "b"], "no images"),
        (torch.tensor([[0.5, 0.5]]), torch.tensor([2]), ["a", "b"], "0 to 1"),
        (torch.tensor([[0.5, 0.5]]), torch.tensor([0, 1]), ["a", "b"], r"\(1, 2\)"),
        (torch.tensor([[0.5, 0.5]]), torch.tensor([0]), ["a", "b", "c"], r"\(n, 3\)"),
        (torch.tensor([[1.0]]), torch.tensor([0]), ["a"], "two classes"),
    ],
)
def test_scores_unfit_arguments_raise(
    probabilities: Tensor, labels: Tensor, names: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        classification_scores(probabilities, labels, names)
