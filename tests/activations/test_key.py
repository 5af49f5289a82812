from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

from tests.activations.asked import CPU, small_request, some_images
from tests.strategies.fits import small_backbone
from tlx.activations.fingerprints import arithmetic_of
from tlx.activations.key import ActivationKey, Arithmetic
from tlx.backbones import Backbone, build_backbone
from tlx.machine import Compute


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small_backbone("resnet18")


@pytest.fixture(scope="module")
def digest(backbone: Backbone) -> str:
    return small_request(backbone).key.digest


def test_key_of_the_same_model_and_images_built_anew_is_the_same(digest: str) -> None:
    assert len(digest) == 64
    assert small_request().key.digest == digest


def test_key_does_not_know_head_and_later_stages(digest: str) -> None:
    other = small_backbone("resnet18")
    with torch.no_grad():
        other.head.weight.add_(1)
        other.network.layer2[0].conv1.weight.add_(1)
        other.network.layer2[0].bn1.running_mean.add_(1)
    assert small_request(other).key.digest == digest


@pytest.mark.parametrize("name", ["conv1.weight", "layer1.1.bn2.running_var"])
def test_key_changes_with_one_weight_or_buffer_of_the_prefix(name: str, digest: str) -> None:
    other = small_backbone("resnet18")
    other.network.state_dict()[name].view(-1)[0] += 1e-3
    assert small_request(other).key.digest != digest


def test_key_changes_with_a_layer_s_setting_that_is_no_weight(digest: str) -> None:
    other = small_backbone("resnet18")
    other.network.layer1[0].bn1.eps = 1e-4
    assert small_request(other).key.digest != digest


def test_key_changes_with_the_cut(backbone: Backbone, digest: str) -> None:
    assert small_request(backbone, cut="layer2").key.digest != digest


def test_key_changes_with_the_input_pipeline(digest: str) -> None:
    other = small_backbone("resnet18")
    for change in ({"mean": (0.5, 0.5, 0.5)}, {"resize_size": 40}, {"antialias": False}):
        other.preprocess = replace(small_backbone("resnet18").preprocess, **change)
        assert small_request(other).key.digest != digest
    sized = build_backbone("resnet18", num_classes=3, weights=None, image_size=64)
    sized.load_state_dict(small_backbone("resnet18").state_dict())
    assert small_request(sized).key.digest != digest


def test_key_changes_with_content_order_and_number_of_the_images(
    backbone: Backbone, digest: str
) -> None:
    images = some_images()
    touched = images.clone()
    touched[3, 0, 2, 2] ^= 1
    for other in (touched, images.flip(0), images[:9]):
        assert small_request(backbone, images=other).key.digest != digest


@pytest.mark.parametrize(
    "compute",
    [
        replace(CPU, accelerator="mps"),
        replace(CPU, precision="bf16-mixed"),
        replace(CPU, channels_last=True),
    ],
    ids=["device", "precision", "layout"],
)
def test_key_changes_with_the_arithmetic(compute: Compute, backbone: Backbone, digest: str) -> None:
    assert small_request(backbone, compute=compute).key.digest != digest


def test_key_changes_with_half_precision(backbone: Backbone, digest: str) -> None:
    assert small_request(backbone, half_precision=True).key.digest != digest


def test_key_ignores_the_number_of_threads(backbone: Backbone, digest: str) -> None:
    assert small_request(backbone, compute=replace(CPU, threads=7)).key.digest == digest


def test_key_changes_with_every_single_field_of_key_and_arithmetic(backbone: Backbone) -> None:
    key = small_request(backbone).key
    others: dict[str, ActivationKey] = {}
    for field in fields(ActivationKey):
        value = getattr(key, field.name)
        if field.name == "arithmetic":
            continue
        other = {"x": 1} if field.name == "transforms" else not value if value in (0, 1) else "x"
        others[field.name] = replace(key, **{field.name: other})
    for field in fields(Arithmetic):
        changed = replace(key.arithmetic, **{field.name: "x"})
        others[f"arithmetic.{field.name}"] = replace(key, arithmetic=changed)
    digests = {name: other.digest for name, other in others.items()}
    assert len(digests) == 14
    assert len({key.digest, *digests.values()}) == 15


def test_arithmetic_names_mixed_precision_and_full_precision_for_the_scores() -> None:
    mixed = replace(CPU, precision="bf16-mixed")
    assert arithmetic_of(mixed).autocast == "bfloat16"
    assert arithmetic_of(mixed, full_precision=True) == arithmetic_of(CPU)
    version = ".".join(torch.__version__.split(".")[:2])
    assert arithmetic_of(CPU) == Arithmetic(
        "cpu", "", False, "highest", version, arithmetic_of(CPU).torchvision
    )
