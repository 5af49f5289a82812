from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import resnet18

from tests.probes.data import blobs
from tests.strategies.fits import small_backbone
from tlx.backbones import Card, build_backbone, replace_head, save_model, weights_faults
from tlx.backbones.nearest_head import NearestNeighbourHead, nearest_head_in
from tlx.probes.knn import knn_probabilities


def test_nearest_head_gives_the_logarithms_of_knn_probabilities() -> None:
    train, labels = blobs(30, 7, 3)
    queries = blobs(9, 7, 3, seed=1)[0].float()
    head = NearestNeighbourHead(train, labels, 5, neighbours=4, temperature=0.2)
    expected = knn_probabilities(train, labels, queries, 5, 4, 0.2)
    found = head(queries)
    np.testing.assert_allclose(torch.softmax(found, dim=1), expected, atol=1e-5)
    assert found.isfinite().all()


def test_nearest_head_is_built_again_from_its_state_alone() -> None:
    train, labels = blobs(30, 7, 3)
    head = NearestNeighbourHead(train, labels, 5, neighbours=4, temperature=0.2)
    state = {f"fc.{key}": value for key, value in head.state_dict().items()}
    again = nearest_head_in(state, "fc", torch.nn.Linear(7, 5))
    assert again is not None
    again.load_state_dict(head.state_dict())
    assert again(train).equal(head(train))
    assert nearest_head_in(state, "head", torch.nn.Linear(7, 5)) is None


def test_nearest_head_with_too_many_neighbours_says_the_bounds() -> None:
    with pytest.raises(ValueError, match="neighbours=9: there are 4 training examples"):
        NearestNeighbourHead(
            torch.ones(4, 2), torch.zeros(4).long(), 2, neighbours=9, temperature=1.0
        )


def test_model_with_a_nearest_head_survives_its_file(tmp_path: Path) -> None:
    backbone = small_backbone("mobilenet_v3_small").eval()
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(8, 1024, generator=generator)
    head = NearestNeighbourHead(features, torch.arange(8) % 3, 3, neighbours=3, temperature=0.07)
    backbone.network.set_submodule(backbone.head_path, head)
    card = Card("m", backbone.name, 3, ("a", "b", "c"), backbone.preprocess.to_dict())
    path = str(tmp_path / "m.safetensors")
    save_model(path, backbone.network, card)
    assert weights_faults(backbone.name, path) == []
    again = build_backbone(backbone.name, num_classes=None, weights=path, keep_head=True).eval()
    images = torch.rand(2, 3, 32, 32, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(again(images), backbone(images))
    assert again.num_classes == 3
    assert again.stage_names == backbone.stage_names


@pytest.mark.parametrize("intercept", [True, False])
def test_new_head_in_a_nearest_one_s_place_has_the_intercept_torchvision_s_has(
    intercept: bool,
) -> None:
    train, labels = blobs(30, 512, 3)
    state = NearestNeighbourHead(train, labels, 3, neighbours=1, temperature=1.0).state_dict()
    replaced = torch.nn.Linear(512, 1000, bias=intercept)
    network = resnet18()
    network.fc = nearest_head_in({f"fc.{k}": v for k, v in state.items()}, "fc", replaced)
    replace_head(network, "resnet18", 4)
    assert network.fc.weight.shape == (4, 512)
    assert (network.fc.bias is not None) == intercept
