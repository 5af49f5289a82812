from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tlx.backbones import (
    Backbone,
    Card,
    Preprocess,
    WeightsError,
    build_backbone,
    save_model,
    state_fingerprint,
    weights_faults,
)
from tlx.backbones.weights import shipped_models
from tlx.errors import ConfigError

NAME = "shufflenet_v2_x0_5"


@pytest.fixture
def source() -> Backbone:
    torch.manual_seed(0)
    return build_backbone(NAME, num_classes=4, image_size=32).eval()


def _images(size: int = 32) -> Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(3))


def _card(backbone: Backbone) -> Card:
    classes = tuple(f"class {index}" for index in range(backbone.num_classes))
    preprocess = backbone.preprocess.to_dict()
    return Card("m", backbone.name, backbone.num_classes, classes, preprocess)


def _without_head(backbone: Backbone) -> dict[str, Tensor]:
    state = backbone.network.state_dict()
    return {key: value for key, value in state.items() if not key.startswith("fc.")}


def _assert_same_body(built: Backbone, source: Backbone) -> None:
    ours, theirs = _without_head(built), _without_head(source)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_build_backbone_from_scratch_says_what_it_is(source: Backbone) -> None:
    assert source.name == NAME
    assert source.weights_source == "scratch"
    assert source.head_path == "fc"
    assert source.head is source.network.fc
    assert source.stage_names == ("conv1", "stage2", "stage3", "stage4", "conv5")
    assert source.preprocess.crop_size == source.preprocess.resize_size == 32
    assert source.fingerprint == state_fingerprint(source.network.state_dict())
    assert source(_images()).shape == (2, 4)


def test_build_backbone_from_scratch_with_the_same_seed_is_the_same(source: Backbone) -> None:
    torch.manual_seed(0)
    again = build_backbone(NAME, num_classes=4, image_size=32)
    other = build_backbone(NAME, num_classes=4, image_size=32)
    assert again.fingerprint == source.fingerprint != other.fingerprint


@pytest.mark.parametrize("form", ["safetensors", "run", "pth", "ckpt", "shipped"])
def test_build_backbone_from_every_form_loads_the_body_and_renews_the_head(
    form: str, source: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = str(_written(form, source, tmp_path))
    if form == "shipped":
        monkeypatch.setattr(shipped_models, "SHIPPED_FOLDER", tmp_path)
        weights = "shapes_net"
    built = build_backbone(NAME, num_classes=7, weights=weights).eval()
    _assert_same_body(built, source)
    assert built(_images()).shape == (2, 7)
    assert built.fingerprint == source.fingerprint
    assert built.weights_source == ("shipped shapes_net" if form == "shipped" else weights)


def _written(form: str, source: Backbone, folder: Path) -> Path:
    state = source.network.state_dict()
    if form == "pth":
        torch.save(state, folder / "w.pth")
        return folder / "w.pth"
    if form == "ckpt":
        prefixed = {f"backbone.network.{key}": value for key, value in state.items()}
        torch.save({"state_dict": prefixed, "epoch": 1}, folder / "w.ckpt")
        return folder / "w.ckpt"
    file = {"run": "model.safetensors", "shipped": "shapes_net.safetensors"}.get(
        form, "w.safetensors"
    )
    save_model(folder / file, source.network, _card(source))
    return folder if form == "run" else folder / file


def test_build_backbone_renews_a_head_of_the_same_size_too(
    source: Backbone, tmp_path: Path
) -> None:
    path = str(_written("safetensors", source, tmp_path))
    built = build_backbone(NAME, num_classes=4, weights=path)
    assert not torch.equal(built.head.weight, source.head.weight)


@pytest.mark.parametrize("num_classes", [4, None])
def test_build_backbone_keeping_the_head_is_bit_identical(
    num_classes: int | None, source: Backbone, tmp_path: Path
) -> None:
    path = str(_written("safetensors", source, tmp_path))
    built = build_backbone(NAME, num_classes=num_classes, weights=path, keep_head=True).eval()
    assert torch.equal(built(_images()), source(_images()))
    assert built.num_classes == 4


def test_build_backbone_keeping_a_head_of_another_size_raises(
    source: Backbone, tmp_path: Path
) -> None:
    path = str(_written("safetensors", source, tmp_path))
    with pytest.raises(ConfigError) as caught:
        build_backbone(NAME, num_classes=5, weights=path, keep_head=True)
    assert str(caught.value) == (
        f"backbone.keep_head=True: the head of {path} has 4 classes, not 5. "
        "Use a task of 4 classes, or keep_head=false."
    )


def test_build_backbone_keeping_the_head_from_scratch_raises() -> None:
    with pytest.raises(ConfigError, match="a network from scratch has no head to keep"):
        build_backbone(NAME, num_classes=5, keep_head=True)


def test_build_backbone_in_half_precision_loads_to_single(source: Backbone, tmp_path: Path) -> None:
    save_model(tmp_path / "w.safetensors", source.network, _card(source), dtype="float16")
    built = build_backbone(
        NAME, num_classes=4, weights=str(tmp_path / "w.safetensors"), keep_head=True
    ).eval()
    assert {value.dtype for value in built.parameters()} == {torch.float32}
    assert torch.equal(built.head.weight, source.head.weight.half().float())
    torch.testing.assert_close(built(_images()), source(_images()), rtol=0.05, atol=0.01)


def test_build_backbone_takes_transforms_and_size_from_the_card(
    source: Backbone, tmp_path: Path
) -> None:
    source.preprocess = Preprocess(40, 36, "bicubic", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    path = str(_written("safetensors", source, tmp_path))
    assert build_backbone(NAME, num_classes=2, weights=path).preprocess == source.preprocess
    resized = build_backbone(NAME, num_classes=2, weights=path, image_size=64).preprocess
    assert resized == source.preprocess.with_size(64)
    named = build_backbone(NAME, num_classes=2, weights=path, transforms="DEFAULT").preprocess
    assert (named.resize_size, named.crop_size) == (256, 224)
    borrowed = build_backbone(NAME, num_classes=2, transforms=path)
    assert borrowed.preprocess == source.preprocess


def test_build_backbone_of_bare_file_takes_the_default_preset(
    source: Backbone, tmp_path: Path
) -> None:
    save_file(source.network.state_dict(), tmp_path / "bare.safetensors")
    built = build_backbone(NAME, num_classes=2, weights=str(tmp_path / "bare.safetensors"))
    assert (built.preprocess.resize_size, built.preprocess.crop_size) == (256, 224)


def test_build_backbone_of_bare_mnasnet_needs_no_version_metadata(tmp_path: Path) -> None:
    source = build_backbone("mnasnet0_5", num_classes=3, image_size=32)
    save_file(source.network.state_dict(), tmp_path / "w.safetensors")
    built = build_backbone("mnasnet0_5", num_classes=2, weights=str(tmp_path / "w.safetensors"))
    assert built.fingerprint == source.fingerprint


def test_build_backbone_of_densenet_reads_names_of_old_files(tmp_path: Path) -> None:
    source = build_backbone("densenet121", num_classes=3, image_size=32)
    state = source.network.state_dict()
    old = {}
    for key, value in state.items():
        for part in ("norm1", "norm2", "conv1", "conv2"):
            if "denselayer" in key:
                key = key.replace(f".{part}.", f".{part[:4]}.{part[4:]}.")
        old[key] = value
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    # Files that old also have no counters and no version metadata.
    old = {key: value for key, value in old.items() if "num_batches_tracked" not in key}
    torch.save(old, tmp_path / "w.pth")
    assert weights_faults("densenet121", str(tmp_path / "w.pth")) == []
    path = str(tmp_path / "w.pth")
    built = build_backbone("densenet121", num_classes=3, weights=path, keep_head=True)
    assert built.fingerprint == source.fingerprint


def test_build_backbone_with_diverged_weights_raises(source: Backbone, tmp_path: Path) -> None:
    with torch.no_grad():
        source.network.conv5[0].weight[0] = float("nan")
    path = str(_written("pth", source, tmp_path))
    with pytest.raises(WeightsError, match=r"conv5.0.weight has infinite or NaN values"):
        build_backbone(NAME, num_classes=2, weights=path)


@pytest.mark.slow
def test_build_backbone_of_vit_with_weights_is_bound_to_their_size(tmp_path: Path) -> None:
    source = build_backbone("vit_b_32", num_classes=2, image_size=64)
    assert source.network.encoder.pos_embedding.shape == (1, 5, 768)
    path = tmp_path / "w.pth"
    torch.save(source.network.state_dict(), path)
    built = build_backbone("vit_b_32", num_classes=3, weights=str(path))
    assert built.preprocess.crop_size == 64
    with pytest.raises(ConfigError, match="position embedding of these vit_b_32 weights is for 64"):
        build_backbone("vit_b_32", num_classes=3, weights=str(path), image_size=96)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "resnet19"}, "backbone.name=resnet19: torchvision has no image classifier"),
        ({"name": "alexnet", "image_size": 32}, "Use image_size=63 or more"),
        ({"name": "vit_b_16", "image_size": 100}, "needs a multiple of 16 pixels"),
        ({"name": "maxvit_t", "image_size": 64}, "needs a multiple of 224 pixels"),
    ],
)
def test_build_backbone_with_impossible_options_raises_config_error(
    options: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        build_backbone(num_classes=2, **options)


@pytest.mark.parametrize("name", ["googlenet"])
def test_backbone_with_auxiliary_classifiers_offers_and_drops_them(
    name: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    backbone = build_backbone(name, num_classes=3, image_size=32).train()
    assert backbone.has_auxiliary
    logits, auxiliary = backbone.forward_with_auxiliary(_images())
    assert logits.shape == (2, 3)
    assert [tuple(output.shape) for output in auxiliary] == [(2, 3), (2, 3)]
    assert backbone(_images()).shape == (2, 3)
    assert backbone.network.training
    assert backbone.eval().forward_with_auxiliary(_images())[1] == ()
    expected = backbone(_images())
    backbone.drop_auxiliary()
    assert not backbone.has_auxiliary
    assert torch.equal(backbone(_images()), expected)
    assert backbone.train().forward_with_auxiliary(_images())[1] == ()
    save_model(tmp_path / "w.safetensors", backbone.network, _card(backbone))
    loaded = build_backbone(name, num_classes=3, weights=str(tmp_path / "w.safetensors"))
    assert not loaded.has_auxiliary


def test_backbone_forward_of_inception_in_training_leaves_auxiliary_heads_out() -> None:
    backbone = build_backbone("inception_v3", num_classes=3, image_size=75).train()
    # At this size the auxiliary head's pooling window is larger than its input.
    assert backbone(_images(75)).shape == (2, 3)
    with pytest.raises(RuntimeError):
        backbone.forward_with_auxiliary(_images(75))


def test_build_backbone_sets_transform_input_by_the_normalisation(tmp_path: Path) -> None:
    scratch = build_backbone("googlenet", num_classes=3, image_size=32)
    assert scratch.network.transform_input
    plain = Preprocess(32, 32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    scratch.preprocess = plain
    save_model(tmp_path / "w.safetensors", scratch.network, _card(scratch))
    loaded = build_backbone("googlenet", num_classes=3, weights=str(tmp_path / "w.safetensors"))
    assert loaded.preprocess == plain
    assert not loaded.network.transform_input


def test_build_backbone_loading_weights_draws_random_numbers_for_the_head_only(
    source: Backbone, tmp_path: Path
) -> None:
    path = str(_written("safetensors", source, tmp_path))
    torch.manual_seed(5)
    built = build_backbone(NAME, num_classes=6, weights=path)
    torch.manual_seed(5)
    expected = torch.nn.Linear(1024, 6)
    assert torch.equal(built.head.weight, expected.weight)
    assert torch.equal(built.head.bias, expected.bias)
