"""torchvision's weights through torchvision's own loading code, and the checks before work."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import ShuffleNet_V2_X0_5_Weights, SqueezeNet1_1_Weights, squeezenet1_1

from tlx.backbones import (
    Card,
    Preprocess,
    WeightsError,
    build_backbone,
    ensure_downloaded,
    save_model,
    weights_faults,
)
from tlx.backbones.weights import shipped_models
from tlx.backbones.weights.downloads import cached_file
from tlx.backbones.weights.sources import resolve
from tlx.backbones.weights.weights import default_preprocess, resolve_preprocess

NAME = "squeezenet1_1"
ENTRY = SqueezeNet1_1_Weights.IMAGENET1K_V1


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty torch home, and no network but this machine's."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(ENTRY.value, "url", "http://127.0.0.1:9/squeezenet1_1-b8a52dc0.pth")
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address that serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(_QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_build_backbone_with_cached_torchvision_weights_loads_them(hub: Path) -> None:
    theirs = squeezenet1_1().eval()
    hub.mkdir(parents=True)
    torch.save(theirs.state_dict(), hub / "squeezenet1_1-b8a52dc0.pth")
    kept = build_backbone(NAME, num_classes=1000, weights="default", keep_head=True).eval()
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(kept(images), theirs(images))
    assert kept.weights_source == "torchvision IMAGENET1K_V1"
    assert kept.preprocess == Preprocess.from_preset(ENTRY.transforms())
    assert weights_faults(NAME, "DEFAULT") == []
    new = build_backbone(NAME, num_classes=3, weights="DEFAULT").eval()
    assert new(images).shape == (2, 3)
    assert new.fingerprint == kept.fingerprint
    assert torch.equal(new.network.features(images), theirs.features(images))


def test_build_backbone_with_cached_file_not_of_this_builder_names_the_misfit(hub: Path) -> None:
    hub.mkdir(parents=True)
    torch.save({"fc.weight": torch.zeros(2, 2)}, hub / "squeezenet1_1-b8a52dc0.pth")
    with pytest.raises(WeightsError, match=r"50 missing keys \(features.0.weight, features.0.bias"):
        build_backbone(NAME, num_classes=3, weights="DEFAULT")
    (fault,) = weights_faults(NAME, "DEFAULT")
    assert "1 unexpected keys (fc.weight)" in fault.reason


def test_build_backbone_with_damaged_cached_file_says_to_delete_it(hub: Path) -> None:
    hub.mkdir(parents=True)
    (hub / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"half a file")
    with pytest.raises(WeightsError, match=r"b8a52dc0.pth: its content is .* Delete the file and"):
        build_backbone(NAME, num_classes=3, weights="DEFAULT")


def test_ensure_downloaded_offline_says_what_to_do(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_models, "SHIPPED_FOLDER", tmp_path)
    (tmp_path / "shapes_net.safetensors").touch()
    with pytest.raises(WeightsError) as caught:
        ensure_downloaded(resolve(NAME, "DEFAULT"))
    message = str(caught.value)
    assert message.startswith(
        "backbone.weights=torchvision IMAGENET1K_V1: the download of squeezenet1_1-b8a52dc0.pth "
        "failed (<urlopen error"
    )
    assert message.endswith(
        f"Offline, copy the file to {hub / 'squeezenet1_1-b8a52dc0.pth'}, give the path of a "
        "weights file, use a shipped model (shapes_net), or train from scratch with weights=null."
    )


def test_weights_faults_offline_reports_the_download(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_models, "SHIPPED_FOLDER", tmp_path)
    (fault,) = weights_faults(NAME, "DEFAULT")
    assert fault.key == "backbone.weights"
    assert "the download of squeezenet1_1-b8a52dc0.pth failed" in fault.reason
    assert "use a shipped model" not in fault.remedy


def test_ensure_downloaded_with_a_right_hash_keeps_the_file(
    hub: Path, server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = server
    torch.save(squeezenet1_1().state_dict(), folder / "new.pth")
    digest = hashlib.sha256((folder / "new.pth").read_bytes()).hexdigest()[:8]
    (folder / "new.pth").rename(folder / f"squeezenet1_1-{digest}.pth")
    monkeypatch.setattr(ENTRY.value, "url", f"{address}/squeezenet1_1-{digest}.pth")
    source = resolve(NAME, "DEFAULT")
    ensure_downloaded(source)
    assert cached_file(source) == hub / f"squeezenet1_1-{digest}.pth"
    assert cached_file(source).is_file()
    assert weights_faults(NAME, "DEFAULT") == []


def test_ensure_downloaded_with_a_wrong_hash_keeps_nothing(
    hub: Path, server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = server
    torch.save(squeezenet1_1().state_dict(), folder / "squeezenet1_1-00000000.pth")
    monkeypatch.setattr(ENTRY.value, "url", f"{address}/squeezenet1_1-00000000.pth")
    with pytest.raises(WeightsError, match=r"failed \(invalid hash value"):
        ensure_downloaded(resolve(NAME, "DEFAULT"))
    assert list(hub.iterdir()) == []


def test_ensure_downloaded_of_a_path_does_nothing(hub: Path, tmp_path: Path) -> None:
    torch.save({}, tmp_path / "w.pt")
    ensure_downloaded(resolve(NAME, tmp_path / "w.pt"))
    assert not hub.exists()


def test_weights_faults_of_unknown_builder_is_that_alone() -> None:
    (fault,) = weights_faults("resnet19", "nonsense")
    assert fault.key == "backbone.name"
    assert fault.remedy.startswith("Did you mean 'resnet1")


def test_weights_faults_of_several_wrong_options_names_all() -> None:
    faults = weights_faults("inception_v3", "nowhere/w.pt", transforms="IMAGENET", image_size=40)
    assert [fault.key for fault in faults] == ["backbone.weights", "backbone.transforms"]
    faults = weights_faults("inception_v3", "nowhere/w.pt", image_size=40)
    assert [fault.key for fault in faults] == ["backbone.weights", "backbone.image_size"]


def test_weights_faults_of_scratch_is_empty() -> None:
    assert weights_faults("resnet18", None, image_size=32) == []


def test_weights_faults_of_misfitting_file_names_shapes(tmp_path: Path) -> None:
    network = build_backbone("shufflenet_v2_x0_5", num_classes=4, image_size=32).network
    state = network.state_dict()
    state["conv1.0.weight"] = torch.zeros(24, 1, 3, 3)
    state["extra"] = torch.zeros(1)
    del state["conv5.0.weight"]
    save_file(state, tmp_path / "w.safetensors")
    (fault,) = weights_faults("shufflenet_v2_x0_5", str(tmp_path / "w.safetensors"))
    assert fault.reason == (
        "they do not fit shufflenet_v2_x0_5: 1 missing keys (conv5.0.weight); 1 unexpected keys "
        "(extra); 1 of another shape (conv1.0.weight is (24, 1, 3, 3), should be (24, 3, 3, 3))"
    )


def test_weights_faults_of_another_builders_card_names_that_builder(tmp_path: Path) -> None:
    backbone = build_backbone("shufflenet_v2_x0_5", num_classes=2, image_size=32)
    card = Card("m", backbone.name, 2, ("a", "b"), backbone.preprocess.to_dict())
    save_model(tmp_path / "model.safetensors", backbone.network, card)
    (fault,) = weights_faults("resnet18", str(tmp_path))
    assert fault.reason == "these weights are of shufflenet_v2_x0_5, not of resnet18"
    assert fault.remedy == "Use backbone.name=shufflenet_v2_x0_5, or other weights."


def test_resolve_preprocess_of_bare_vit_weights_matches_their_size() -> None:
    source = resolve("vit_b_16", None)
    swag = resolve_preprocess("vit_b_16", source, bound_to=384)
    assert (swag.crop_size, swag.interpolation) == (384, "bicubic")
    odd = resolve_preprocess("vit_b_16", source, bound_to=64)
    assert odd == default_preprocess("vit_b_16").with_size(64)


def test_resolve_preprocess_of_scratch_is_the_default_preset() -> None:
    source = resolve("shufflenet_v2_x0_5", None)
    preset = ShuffleNet_V2_X0_5_Weights.DEFAULT.transforms()
    assert resolve_preprocess("shufflenet_v2_x0_5", source) == Preprocess.from_preset(preset)


def test_resolve_preprocess_with_transforms_of_other_weights_is_theirs() -> None:
    source = resolve("resnet50", None)
    first = resolve_preprocess("resnet50", source, transforms="IMAGENET1K_V1")
    second = resolve_preprocess("resnet50", source, transforms="IMAGENET1K_V2")
    assert (first.resize_size, second.resize_size) == (256, 232)
    sized = resolve_preprocess("resnet50", source, transforms="IMAGENET1K_V2", image_size=64)
    assert (sized.resize_size, sized.crop_size) == (64, 64)


def test_resolve_preprocess_with_transforms_of_bare_file_raises(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="no card that says how its images were preprocessed"):
        resolve_preprocess("resnet18", resolve("resnet18", None), transforms=str(tmp_path / "w.pt"))
