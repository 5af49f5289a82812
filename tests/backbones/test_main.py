from __future__ import annotations

import subprocess
import sys

import pytest

from tlx.backbones.__main__ import main
from tlx.backbones.names import BUILDER_NAMES
from tlx.backbones.summary import summarise_builder, summarise_stages
from tlx.backbones.weights.sources import torchvision_weights


def test_main_without_a_name_lists_every_builder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "80 backbones in 20 families" in printed
    assert all(f" {name} " in printed for name in BUILDER_NAMES)
    assert "IMAGENET1K_SWAG_E2E_V1" in printed


def test_main_with_a_name_prints_its_stages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resnet18", "--image-size", "64", "--num-classes", "10"]) == 0
    printed = capsys.readouterr().out
    assert "resnet18: 11,181,642 parameters" in printed
    assert "conv1, bn1, relu, maxpool" in printed
    assert "1 x 64 x 16 x 16" in printed
    assert "1 x 10" in printed


def test_main_with_an_unknown_name_suggests_one_and_returns_two(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["resnet51"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("There is no backbone 'resnet51'. Did you mean 'resnet50'")


def test_main_with_an_impossible_size_returns_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inception_v3", "--image-size", "40"]) == 2
    assert "Use image_size=75 or more." in capsys.readouterr().err


def test_main_help_loads_no_torch() -> None:
    code = (
        "import sys\nfrom tlx.backbones.__main__ import main\n"
        "try: main(['--help'])\nexcept SystemExit: print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    assert "--image-size PIXELS" in done.stdout


def test_summarise_builder_takes_torchvisions_numbers() -> None:
    summary = summarise_builder("efficientnet_b1")
    assert summary.parameters == 7_794_184
    assert summary.image_size == 240
    assert summary.weights == ("IMAGENET1K_V1", "IMAGENET1K_V2")


def test_summarise_stages_of_resnet50_has_the_papers_shapes() -> None:
    parts = {part.name: part for part in summarise_stages("resnet50")}
    assert parts["layer1"].output_shape == (1, 256, 56, 56)
    assert parts["layer3"].output_shape == (1, 1024, 14, 14)
    assert parts["layer4"].output_shape == (1, 2048)
    assert parts["fc"].output_shape == (1, 1000)
    assert sum(part.parameters for part in parts.values()) == 25_557_032


def test_summarise_stages_of_googlenet_lists_auxiliary_classifiers_last() -> None:
    parts = summarise_stages("googlenet", image_size=64)
    assert [part.name for part in parts[-3:]] == ["fc", "aux1", "aux2"]
    assert parts[-1].output_shape == ()
    assert parts[-1].parameters > 2_000_000


def test_torchvision_weights_leave_out_those_without_a_classifier() -> None:
    assert list(torchvision_weights("vgg16")) == ["IMAGENET1K_V1", "DEFAULT"]
