from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tlx.backbones.weights import shipped_models
from tlx.backbones.weights.shipped_models import shipped_names
from tlx.backbones.weights.sources import Kind, WeightsError, builder_fault, resolve


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_resolve_of_none_is_scratch() -> None:
    source = resolve("resnet18", None)
    assert (source.kind, source.words) == (Kind.SCRATCH, "scratch")


@pytest.mark.parametrize("text", ["DEFAULT", "default", "IMAGENET1K_V2", "imagenet1k_v2"])
def test_resolve_of_torchvision_name_in_any_case_is_theirs(text: str) -> None:
    source = resolve("resnet50", text)
    assert source.kind is Kind.TORCHVISION
    assert source.words == "torchvision IMAGENET1K_V2"


def test_resolve_of_wrong_torchvision_name_suggests_the_builders_own() -> None:
    with pytest.raises(WeightsError) as caught:
        resolve("resnet18", "IMAGENET1K_V2")
    assert str(caught.value) == (
        "backbone.weights=IMAGENET1K_V2: resnet18 has no weights of this name, and there is no "
        "such file. Did you mean 'IMAGENET1K_V1'?"
    )


def test_resolve_of_weights_without_a_classifier_is_refused() -> None:
    with pytest.raises(WeightsError, match=r"no usable classifier\. Choose from: DEFAULT, IMAG"):
        resolve("vgg16", "IMAGENET1K_FEATURES")


def test_resolve_of_missing_path_says_so() -> None:
    with pytest.raises(WeightsError) as caught:
        resolve("resnet18", "runs/best.ckpt")
    assert str(caught.value) == (
        "backbone.weights=runs/best.ckpt: no such file or folder. "
        "Check the path; relative paths start from the working directory."
    )


@pytest.mark.parametrize("file", ["w.safetensors", "w.pt", "w.pth.tar", "w.bin", "weights"])
@pytest.mark.parametrize("kind", [Kind.SAFETENSORS, Kind.TORCH])
def test_resolve_of_file_knows_its_kind_by_its_content(
    kind: Kind, file: str, tmp_path: Path
) -> None:
    path = tmp_path / file
    save = save_file if kind is Kind.SAFETENSORS else torch.save
    save({"a": torch.ones(2)}, path)
    source = resolve("resnet18", str(path))
    assert (source.kind, source.path, source.words) == (kind, path, str(path))


def test_resolve_of_other_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(WeightsError) as caught:
        resolve("resnet18", path)
    assert str(caught.value) == (
        f"backbone.weights={path}: it is a pointer of Git LFS and not the file itself. "
        "Fetch the file: git lfs pull."
    )


def test_resolve_of_run_folder_is_its_model(tmp_path: Path) -> None:
    model = _touch(tmp_path / "run" / "model.safetensors")
    source = resolve("resnet18", tmp_path / "run")
    assert (source.kind, source.path) == (Kind.SAFETENSORS, model)


def test_resolve_of_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"the folder holds no model.safetensors"):
        resolve("resnet18", tmp_path)


def test_resolve_prefers_shipped_names_then_torchvisions_then_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped"
    _touch(shipped / "DEFAULT.safetensors")
    monkeypatch.setattr(shipped_models, "SHIPPED_FOLDER", shipped)
    monkeypatch.chdir(tmp_path)
    _touch(tmp_path / "DEFAULT" / "model.safetensors")
    _touch(tmp_path / "IMAGENET1K_V1" / "model.safetensors")
    first = resolve("resnet18", "DEFAULT")
    assert (first.words, first.path) == ("shipped DEFAULT", shipped / "DEFAULT.safetensors")
    second = resolve("resnet18", "IMAGENET1K_V1")
    assert second.words == "torchvision IMAGENET1K_V1"


def test_resolve_of_misspelt_shipped_name_suggests_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_models, "SHIPPED_FOLDER", tmp_path)
    _touch(tmp_path / "PRETRAINED_SHAPES.safetensors")
    with pytest.raises(WeightsError, match="Did you mean 'PRETRAINED_SHAPES'"):
        resolve("resnet18", "pretrained_shape")


def test_shipped_names_lists_models_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_models, "SHIPPED_FOLDER", tmp_path / "none")
    assert shipped_names() == ()
    monkeypatch.setattr(shipped_models, "SHIPPED_FOLDER", tmp_path)
    for name in ("b.safetensors", "a.safetensors", "a.md"):
        _touch(tmp_path / name)
    assert shipped_names() == ("a", "b")


def test_builder_fault_of_unknown_name_suggests_one() -> None:
    assert str(builder_fault("resnet-50")) == (
        "backbone.name=resnet-50: torchvision has no image classifier of this name. "
        "Did you mean 'resnet50'?"
    )
    assert builder_fault("resnet50") is None
