from __future__ import annotations

import subprocess
import sys

import pytest
import torchvision
from torchvision.models import list_models

import tlx.backbones
from tlx.backbones.names import BUILDER_NAMES, FAMILIES, family_of


def test_builder_names_against_torchvision_are_the_same() -> None:
    assert list(BUILDER_NAMES) == sorted(list_models(module=torchvision.models))


def test_families_together_hold_every_builder_once() -> None:
    assert len(FAMILIES) == 20
    assert sum(len(names) for names in FAMILIES.values()) == len(BUILDER_NAMES) == 80


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("resnet50", "resnet"),
        ("wide_resnet50_2", "wide_resnet"),
        ("efficientnet_v2_s", "efficientnet_v2"),
        ("swin_v2_t", "swin"),
    ],
)
def test_family_of_builder_is_its_family(name: str, family: str) -> None:
    assert family_of(name) == family


def test_door_on_import_loads_no_torch() -> None:
    code = (
        "import sys, tlx.backbones; print('torch' in sys.modules, tlx.backbones.family_of('vgg11'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "vgg"]


def test_door_offers_every_name_it_lists() -> None:
    for name in tlx.backbones.__all__:
        assert getattr(tlx.backbones, name) is not None
        assert name in dir(tlx.backbones)


def test_door_with_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'build_backbones'"):
        _ = tlx.backbones.build_backbones
