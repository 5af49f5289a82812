from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tlx.backbones import build_backbone, save_model
from tlx.backbones.source_model import SourceModel
from tlx.backbones.weights.card import Card

NAME = "shufflenet_v2_x0_5"


@pytest.fixture(scope="module")
def with_card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    backbone = build_backbone(NAME, num_classes=4, image_size=40)
    card = Card(
        name="source",
        backbone=NAME,
        num_classes=4,
        class_names=("a", "b", "c", "d"),
        preprocess=backbone.preprocess.to_dict(),
        data={},
        recipe={},
        seed=0,
        score={},
        command="",
        versions={},
    )
    path = tmp_path_factory.mktemp("weights") / "source.safetensors"
    save_model(path, backbone.network, card)
    return path


def test_source_model_from_weights_has_them_and_their_pipeline(with_card: Path) -> None:
    source = SourceModel(NAME, weights=str(with_card))
    assert source.faults() == []
    backbone = source.build(10)
    assert backbone.preprocess.crop_size == 40
    assert backbone.weights_source == str(with_card)
    assert backbone.head.out_features == 10


def test_source_model_from_scratch_keeps_the_pipeline_of_the_weights(with_card: Path) -> None:
    source = SourceModel(NAME, weights=str(with_card))
    assert source.faults(from_weights=False) == []
    backbone = source.build(10, from_weights=False)
    assert backbone.preprocess.crop_size == 40
    assert backbone.weights_source == "scratch"


def test_source_model_from_scratch_beside_a_bare_file_takes_the_builders_pipeline(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bare.pth"
    torch.save(build_backbone(NAME, num_classes=4).network.state_dict(), path)
    source = SourceModel(NAME, weights=str(path))
    assert source.faults(from_weights=False) == []
    assert source.build(10, from_weights=False).preprocess.crop_size == 224


def test_source_model_without_weights_and_with_another_pipeline_takes_that(
    with_card: Path,
) -> None:
    source = SourceModel(NAME, weights=None, transforms=str(with_card))
    assert source.build(3).preprocess.crop_size == 40


def test_source_model_of_missing_weights_says_so_even_from_scratch() -> None:
    (fault,) = SourceModel(NAME, weights="nowhere.pth").faults(from_weights=False)
    assert fault.key == "backbone.weights"
    assert "nowhere.pth" in str(fault)


def test_source_model_of_an_unknown_builder_suggests_one() -> None:
    (fault,) = SourceModel("resnet19", weights=None).faults()
    assert "Did you mean" in fault.remedy
    assert "resnet18" in fault.remedy


def test_source_model_stage_names_are_those_of_the_built_backbone() -> None:
    source = SourceModel(NAME, weights=None, image_size=32)
    assert source.stage_names() == source.build(3).stage_names
