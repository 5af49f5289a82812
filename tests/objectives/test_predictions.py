from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tlx.backbones import Backbone, build_backbone
from tlx.data.task import Split
from tlx.objectives.predictions import (
    predict,
    predictions_table,
    read_predictions,
    write_predictions,
)

NAMES = ("cat", "dog", "owl")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.manual_seed(0)
    return build_backbone("squeezenet1_1", num_classes=3, weights=None, image_size=32)


@pytest.fixture
def split() -> Split:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (5, 1, 8, 8), generator=generator, dtype=torch.uint8)
    return Split(images, torch.tensor([0, 1, 2, 1, 0]), torch.tensor([10, 3, 7, 1, 99]))


def test_predict_is_the_softmax_of_the_logits_whatever_the_batch_size(
    backbone: Backbone, split: Split
) -> None:
    backbone.train()  # dropout would make it random
    probabilities = predict(backbone, split, batch_size=2)
    assert backbone.training is False
    logits = backbone(backbone.preprocess(split.inputs)).detach().numpy()
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities.numpy(), expected, rtol=1e-5, atol=1e-7)
    assert probabilities.shape == (5, 3)
    torch.testing.assert_close(predict(backbone, split), probabilities)


def test_predictions_table_has_a_row_per_image_in_order(split: Split) -> None:
    probabilities = torch.tensor(
        [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0, 0, 1.0], [0.2, 0.5, 0.3], [0.4, 0.3, 0.3]]
    )
    table = predictions_table("val", split, probabilities, NAMES)
    assert list(table.columns) == [
        "split", "sample_id", "label", "predicted", "confidence", "p_cat", "p_dog", "p_owl",
    ]  # fmt: skip
    assert table["split"].tolist() == ["val"] * 5
    assert table["sample_id"].tolist() == [10, 3, 7, 1, 99]
    assert table["label"].tolist() == ["cat", "dog", "owl", "dog", "cat"]
    assert table["predicted"].tolist() == ["cat", "owl", "owl", "dog", "cat"]
    assert table["confidence"].tolist() == pytest.approx([0.7, 0.7, 1.0, 0.5, 0.4])
    np.testing.assert_array_equal(table[["p_cat", "p_dog", "p_owl"]], probabilities.numpy())


def test_predictions_table_of_many_classes_leaves_out_their_probabilities() -> None:
    one = Split(torch.zeros(1, 1, 1, 1), torch.tensor([100]), torch.tensor([0]))
    for classes, columns in ((100, 105), (101, 5)):
        names = tuple(f"c{i}" for i in range(classes))
        labels = Split(one.inputs, torch.tensor([classes - 1]), one.sample_ids)
        probabilities = torch.full((1, classes), 1 / classes)
        assert predictions_table("test", labels, probabilities, names).shape == (1, columns)


def test_write_predictions_puts_splits_below_each_other(tmp_path: Path, split: Split) -> None:
    probabilities = torch.eye(3)[split.labels]
    tables = [predictions_table(name, split, probabilities, NAMES) for name in ("val", "test")]
    write_predictions(tmp_path, tables)
    written = pd.read_csv(tmp_path / "predictions.csv")
    assert written["split"].tolist() == ["val"] * 5 + ["test"] * 5
    assert written["label"].tolist() == written["predicted"].tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.csv"]


def test_predictions_of_classes_like_formulas_are_read_back_by_their_names(
    tmp_path: Path, split: Split
) -> None:
    names = ('=HYPERLINK("http://e")', "'@SUM(1)", "None")
    probabilities = torch.eye(3)[split.labels]
    write_predictions(tmp_path, [predictions_table("test", split, probabilities, names)])
    written = pd.read_csv(tmp_path / "predictions.csv", keep_default_na=False)
    expected = [f"'{names[0]}", f"'{names[1]}", "None", f"'{names[1]}", f"'{names[0]}"]
    assert written["label"].tolist() == expected
    again = read_predictions(tmp_path, "test")
    assert again["label"].tolist() == [names[i] for i in (0, 1, 2, 1, 0)]
    assert again["predicted"].tolist() == again["label"].tolist()
    assert again["confidence"].tolist() == [1.0] * 5
