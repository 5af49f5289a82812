from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from omegaconf import open_dict
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from tests.head_banks.test_membership import config
from tests.tiny import TINY, result_of
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.errors import ConfigError
from tlx.head_banks.membership import alone_because
from tlx.optimization.losses import CrossEntropy
from tlx.train import train

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(6, 4, generator=GENERATOR, dtype=torch.float64)
LABELS = torch.tensor([0, 1, 2, 3, 3, 0])


def test_cross_entropy_without_smoothing_is_the_log_loss() -> None:
    probabilities = torch.softmax(LOGITS, dim=1).numpy()
    expected = log_loss(LABELS.numpy(), probabilities, labels=range(4))
    assert float(CrossEntropy()(LOGITS, LABELS)) == pytest.approx(expected)


@pytest.mark.parametrize("smoothing", [0.1, 0.5, 0.99])
def test_cross_entropy_with_smoothing_spreads_its_mass_over_all_classes(smoothing: float) -> None:
    logits = LOGITS.numpy()
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    targets = (1 - smoothing) * np.eye(4)[LABELS.numpy()] + smoothing / 4
    expected = -(targets * log_probabilities).sum(axis=1).mean()
    loss = CrossEntropy(label_smoothing=smoothing)
    assert float(loss(LOGITS, LABELS)) == pytest.approx(expected)


WEIGHTS = [0.5, 2.0, 1.0, 4.0]
NAMES = ("a", "b", "c", "d")


def weighted(smoothing: float = 0.0) -> CrossEntropy:
    return CrossEntropy(label_smoothing=smoothing, class_weights=WEIGHTS).for_classes(LABELS, NAMES)


def by_hand(targets: NDArray[np.float64], smoothing: float) -> float:
    """The weighted mean by its definition, of class probabilities (n, 4)."""
    logits, weights = LOGITS.numpy(), np.array(WEIGHTS)
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    smooth = (1 - smoothing) * targets + smoothing / 4
    return float(-(weights * smooth * log_probabilities).sum() / (targets @ weights).sum())


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_cross_entropy_with_class_weights_is_the_weighted_mean(smoothing: float) -> None:
    loss = weighted(smoothing).double()
    one_hot = np.eye(4)[LABELS.numpy()]
    assert float(loss(LOGITS, LABELS)) == pytest.approx(by_hand(one_hot, smoothing))
    assert float(loss(LOGITS, torch.from_numpy(one_hot))) == pytest.approx(
        float(loss(LOGITS, LABELS))
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_cross_entropy_with_class_weights_of_mixed_labels_weighs_each_share(
    smoothing: float,
) -> None:
    eye = np.eye(4)
    mixed = 0.7 * eye[LABELS.numpy()] + 0.3 * eye[LABELS.numpy()[::-1]]
    found = float(weighted(smoothing).double()(LOGITS, torch.from_numpy(mixed)))
    assert found == pytest.approx(by_hand(mixed, smoothing))


def test_cross_entropy_without_class_weights_of_mixed_labels_is_torch_s_own() -> None:
    mixed = torch.softmax(LOGITS.flip(0), dim=1)
    expected = torch.nn.functional.cross_entropy(LOGITS, mixed, label_smoothing=0.1)
    loss = CrossEntropy(label_smoothing=0.1)
    assert loss.for_classes(LABELS, NAMES) is loss
    assert loss(LOGITS, mixed).equal(expected)


def test_balanced_class_weights_are_those_of_scikit_learn() -> None:
    labels = torch.tensor([0] * 5 + [1] * 2 + [2] * 11 + [3])
    loss = CrossEntropy(class_weights="balanced").for_classes(labels, NAMES)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels.numpy())
    assert loss.weight is not None
    assert loss.weight.tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize(
    ("asked", "labels", "said"),
    [
        (
            [1.0, 2.0],
            [0, 1, 2, 3],
            "loss.class_weights=[1.0, 2.0]: it has 2 numbers, and the data has 4 classes. "
            "Give one each for a, b, c, d.",
        ),
        (
            "balanced",
            [0, 0, 2],
            "loss.class_weights=balanced: there is no training image of b, d. "
            "Add some, leave the class out, or give the weights as a list.",
        ),
    ],
)
def test_class_weights_that_do_not_fit_the_classes_are_refused(
    asked: Any, labels: list[int], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        CrossEntropy(class_weights=asked).for_classes(torch.tensor(labels), NAMES)
    assert str(caught.value) == said


def test_run_with_class_weights_trains_by_them_and_validates_without(tmp_path: Path) -> None:
    words = [*(word for word in TINY if "strategy" not in word), "trainer.epochs=1"]
    words += ["augmentation=light", "augmentation.mixup_alpha=0.4", "loss.label_smoothing=0"]
    weights = "[1,1,1,1,1,1,1,1,1,20]"
    train(compose_config([*words, f"loss.class_weights={weights}"]), tmp_path / "weighted")
    train(compose_config([*words]), tmp_path / "plain")
    weighted, plain = (pd.read_csv(tmp_path / n / "metrics.csv") for n in ("weighted", "plain"))
    assert (weighted["train_loss"] != plain["train_loss"]).all()
    result = result_of(tmp_path / "weighted")
    best = weighted[weighted["epoch"] == result["best_epoch"]]
    # The scores of the predictions know nothing of the weights.
    assert best["val_loss"].item() == pytest.approx(result["metrics"]["val"]["loss"], rel=1e-4)


def test_run_with_too_few_class_weights_ends_before_its_fit(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it has 2 numbers, and the data has 10 classes"):
        train(compose_config([*TINY, "loss.class_weights=[1,2]"]), tmp_path / "run")
    result = result_of(tmp_path / "run")
    assert result["status"] == "failed"
    assert set(result["seconds"]) == {"data"}


def test_configuration_of_an_earlier_run_weights_and_averages_nothing() -> None:
    cfg = compose_config([])
    with open_dict(cfg):
        del cfg.loss.class_weights
        del cfg.trainer.ema_decay
    plan = checked_plan(cfg)
    assert plan.trainer.ema_decay is None
    assert cast(CrossEntropy, plan.training.loss).class_weights == "none"


def test_probe_refuses_averages_and_class_weights() -> None:
    words = ["strategy=probe_ridge", "trainer.ema_decay=0.9", "loss.class_weights=balanced"]
    with pytest.raises(ConfigError) as caught:
        checked_plan(compose_config(words))
    assert str(caught.value).splitlines() == [
        "trainer.ema_decay=0.9: strategy=probe_ridge solves for its head, and takes no steps to "
        "average over. Use null.",
        "loss.class_weights=balanced: strategy=probe_ridge solves for its head by a loss of its "
        "own. Use none.",
    ]


def test_job_that_weights_its_classes_trains_in_no_bank() -> None:
    assert alone_because(config(loss__class_weights="none")) is None
    reason = "loss.class_weights weights its classes"
    assert alone_because(config(loss__class_weights="balanced")) == reason
