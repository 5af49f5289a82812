from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.neighbors import KNeighborsClassifier

from tests.strategies.probe_runs import (
    digits,
    features_of,
    history_of,
    model_of,
    recorded,
    run_probe,
)
from tests.tiny import result_of
from tlx.backbones import build_backbone
from tlx.backbones.nearest_head import NearestNeighbourHead
from tlx.errors import TlxError
from tlx.evaluate import evaluate
from tlx.strategies.probes.probe_knn import ProbeKnn


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "knn"
    run_probe(folder, "probe_knn", "strategy.neighbours=[20,1,5,61]")
    return folder


def reference(neighbours: int) -> KNeighborsClassifier:
    return KNeighborsClassifier(
        neighbours, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07)
    )


def test_probe_knn_run_has_the_accuracies_of_scikit_learn_for_every_k(run: Path) -> None:
    task, model, history = digits(), model_of(run), history_of(run)
    train, val = features_of(model, task.train), features_of(model, task.val)
    assert history["neighbours"].to_list() == [1, 5, 20]  # there are 60 training images
    assert history["train_loss"].isna().all()
    for row in history.to_dict("records"):
        expected = reference(row["neighbours"]).fit(train, task.train.labels)
        assert row["val_accuracy"] == pytest.approx(expected.score(val, task.val.labels))


def test_probe_knn_run_predicts_with_the_kept_k(run: Path) -> None:
    task, model, history = digits(), model_of(run), history_of(run)
    kept = history.iloc[result_of(run)["best_epoch"] - 1]
    expected = reference(int(kept["neighbours"]))
    expected.fit(features_of(model, task.train), task.train.labels)
    probabilities = expected.predict_proba(features_of(model, task.test))
    np.testing.assert_allclose(recorded(run, "test")[0], probabilities, atol=1e-3)
    assert result_of(run)["metrics"]["val"]["accuracy"] == pytest.approx(kept["val_accuracy"])


def test_probe_knn_keeps_its_features_in_the_model_s_files(run: Path) -> None:
    task, model = digits(), model_of(run)
    head = model.head
    assert isinstance(head, NearestNeighbourHead)
    features = torch.from_numpy(features_of(model, task.train))
    expected = torch.nn.functional.normalize(features, dim=1)
    np.testing.assert_allclose(head.train_features, expected, atol=1e-5)
    assert head.train_labels.equal(task.train.labels)
    assert set(load_file(run / "checkpoints/best.safetensors")) == set(model.network.state_dict())
    assert result_of(run)["parameters"]["trained"] == 0
    card = (run / "MODEL_CARD.md").read_text()
    assert 'build_backbone("mobilenet_v2", num_classes=None, weights="model.safetensors"' in card
    assert "get_model" not in card


def test_probe_knn_evaluated_from_its_file_gives_the_recorded_scores(run: Path) -> None:
    again, before = evaluate(run).to_dict(), result_of(run)["metrics"]["test"]
    assert again["confusion_matrix"] == before["confusion_matrix"]
    assert again["loss"] == pytest.approx(before["loss"], abs=1e-4)


def test_probe_knn_run_serves_as_model_a_with_a_new_linear_head(run: Path) -> None:
    backbone = build_backbone("mobilenet_v2", num_classes=3, weights=str(run))
    assert isinstance(backbone.head, torch.nn.Linear)
    assert backbone(torch.rand(2, 3, 32, 32)).shape == (2, 3)


def test_probe_knn_with_too_few_images_for_any_k_says_the_bounds(tmp_path: Path) -> None:
    said = r"strategy.neighbours=\[100, 200\]: there are 60 training examples\. Choose 1 to 60\."
    with pytest.raises(TlxError, match=said):
        run_probe(tmp_path / "run", "probe_knn", "strategy.neighbours=[200,100]")
    assert result_of(tmp_path / "run")["status"] == "failed"


def test_probe_knn_without_any_k_is_a_fault() -> None:
    (fault,) = ProbeKnn.faults(("a",), neighbours=[])
    assert str(fault) == (
        "strategy.neighbours=[]: no number of neighbours is given. "
        "Give one or more, as strategy.neighbours=[10,20]."
    )
