from __future__ import annotations

import warnings

import pytest
import torch
from torchvision.models import get_model

from tlx.backbones.construct import construct


@pytest.mark.parametrize("name", ["regnet_y_400mf", "vit_b_32", "googlenet"])
def test_construct_on_meta_draws_no_random_numbers_and_keeps_names(name: str) -> None:
    state = torch.get_rng_state()
    network = construct(name, 10, meta=True)
    assert torch.equal(torch.get_rng_state(), state)
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"init_weights": False} if name == "googlenet" else {}
        theirs = get_model(name, weights=None, num_classes=10, **options)
    shapes = {key: value.shape for key, value in theirs.state_dict().items()}
    assert {key: value.shape for key, value in network.state_dict().items()} == shapes


def test_construct_after_meta_makes_real_parameters_again() -> None:
    construct("resnet18", 10, meta=True)
    assert construct("resnet18", 10).fc.weight.device.type == "cpu"


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_construct_with_old_initialisation_is_silent(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        construct(name, 10, meta=True)


def test_construct_with_image_size_fits_the_position_embedding() -> None:
    network = construct("vit_b_32", 10, image_size=96, meta=True)
    assert network.encoder.pos_embedding.shape == (1, 10, 768)
