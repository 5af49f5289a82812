from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from tests.activations.asked import some_images
from tests.strategies.fits import small_backbone
from tlx.backbones.head_features import head_features
from tlx.data.task import Split
from tlx.inference.in_memory import StoreUse, features, outputs, reading
from tlx.objectives.predictions import predict


@pytest.mark.parametrize("cut", ["layer2", "layer4"])
def test_outputs_and_features_behind_a_cut_are_those_of_the_whole(cut: str, tmp_path: Path) -> None:
    backbone = small_backbone("resnet18").eval()
    images = some_images(300)
    ids = torch.arange(300)
    expected = predict(backbone, Split(images, ids, ids), to_predictions=lambda logits: logits)
    use = StoreUse(tmp_path, 1.0, half_precision=False, cut=cut)
    for store in (None, use, use):
        with reading(backbone, images, "cpu", store) as (model, inputs):
            found = outputs(model, inputs, "cpu")
            reached = features(backbone.head, model, inputs, "cpu")
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
        direct = head_features(backbone, backbone, backbone.preprocess(images))
        torch.testing.assert_close(reached, direct, atol=1e-5, rtol=1e-5)


def test_reading_from_a_store_that_is_too_small_takes_the_images(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backbone = small_backbone("resnet18").eval()
    use = StoreUse(tmp_path, 1e-9, half_precision=False, cut="layer4")
    with (
        caplog.at_level(logging.WARNING, logger="tlx"),
        reading(backbone, some_images(4), "cpu", use) as (model, inputs),
    ):
        assert inputs.dtype == torch.uint8
        assert outputs(model, inputs, "cpu").shape == (4, 3)
    assert "activations behind layer4 are not stored: they need" in caplog.text
