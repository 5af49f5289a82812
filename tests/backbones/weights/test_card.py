from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from tlx.backbones import build_backbone
from tlx.backbones.preprocess import Preprocess
from tlx.backbones.weights.card import Card, card_markdown, read_card, save_model
from tlx.backbones.weights.sources import WeightsError
from tlx.errors import TlxError


def _card(backbone: str = "resnet18", size: int = 32) -> Card:
    return Card(
        name="squares",
        backbone=backbone,
        num_classes=3,
        class_names=("circle", "square", "star"),
        preprocess=Preprocess(size, size).to_dict(),
        data={"task": "shapes", "train images": 300},
        recipe={"epochs": 4},
        seed=7,
        score={"accuracy": 0.9},
        command="python -m tlx.pretrain",
        versions={"torch": "2"},
    )


class _Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3)


def test_save_model_then_read_card_is_the_same_card(tmp_path: Path) -> None:
    save_model(tmp_path / "m.safetensors", _Tiny(), _card())
    assert read_card(tmp_path / "m.safetensors") == _card()


def test_save_model_in_half_precision_keeps_buffers_as_they_are(tmp_path: Path) -> None:
    network = _Tiny()
    network.norm.running_var.fill_(1e6)
    network.norm.num_batches_tracked.fill_(70_000)
    save_model(tmp_path / "m.safetensors", network, _card(), dtype="float16")
    state = load_file(tmp_path / "m.safetensors")
    assert state["layer.weight"].dtype == torch.float16
    assert torch.equal(state["layer.weight"], network.layer.weight.detach().half())
    assert torch.equal(state["norm.running_var"], torch.full((3,), 1e6))
    assert state["norm.num_batches_tracked"].dtype == torch.int64
    assert state["norm.num_batches_tracked"] == 70_000


def test_save_model_of_values_too_large_for_half_raises_and_leaves_no_file(tmp_path: Path) -> None:
    network = _Tiny()
    nn.init.constant_(network.layer.weight, 1e5)
    with pytest.raises(TlxError, match=r"layer.weight is not finite in torch.float16"):
        save_model(tmp_path / "m.safetensors", network, _card(), dtype="float16")
    assert list(tmp_path.iterdir()) == []


def test_save_model_over_a_file_replaces_it_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_model(path, _Tiny(), _card())
    save_model(path, _Tiny(), dataclasses.replace(_card(), seed=8))
    card = read_card(path)
    assert card is not None
    assert card.seed == 8
    assert os.listdir(tmp_path) == ["m.safetensors"]  # noqa: PTH208 - hidden files count too


def test_save_model_that_cannot_replace_removes_its_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").mkdir()
    with pytest.raises(OSError, match="directory"):
        save_model(tmp_path / "m.safetensors", _Tiny(), _card())
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_read_card_of_file_without_one_is_none(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(2)}, tmp_path / "plain.safetensors")
    assert read_card(tmp_path / "plain.safetensors") is None


def test_read_card_of_broken_file_raises_weights_error(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        read_card(tmp_path / "broken.safetensors")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps({"format": 2}), "its card has format 2; this tlx reads format 1"),
        (json.dumps({"format": 1, "name": "x"}), "its card is damaged: backbone is missing; "),
        (
            json.dumps(json.loads(_card().to_json()) | {"class_names": "ab"}),
            "class_names should be a valid array",
        ),
        (
            json.dumps(json.loads(_card().to_json()) | {"num_classes": "2"}),
            "num_classes should be a valid integer",
        ),
        (
            json.dumps(json.loads(_card().to_json()) | {"recipe": [1]}),
            "recipe should be an object, not a list of 1",
        ),
        ("[]", "not a JSON object with a format number"),
        ("{", "Expecting property name"),
    ],
)
def test_read_card_that_is_no_card_raises_weights_error(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"w": torch.zeros(2)}, path, metadata={"tlx_card": text})
    with pytest.raises(WeightsError, match=words):
        read_card(path)


def test_card_from_json_with_later_fields_drops_them() -> None:
    values = json.loads(_card().to_json()) | {"colour": "blue"}
    assert Card.from_json(json.dumps(values)) == _card()


def test_card_markdown_names_what_people_ask_for() -> None:
    text = card_markdown(_card())
    for part in (
        "# squares",
        "torchvision `resnet18` for 3 classes: circle, square, star.",
        "- train images: 300",
        "- epochs: 4",
        "- seed: 7",
        "- accuracy: 0.9",
        "`python -m tlx.pretrain`",
        "- crop_size: 32",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18", 32),
        ("mnasnet0_5", 32),
        ("googlenet", 32),
        pytest.param("vit_b_32", 64, marks=pytest.mark.slow),
    ],
)
def test_card_markdown_code_loads_the_model_in_plain_torchvision(
    name: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = build_backbone(name, num_classes=3, image_size=size).eval()
    card = dataclasses.replace(
        _card(), backbone=name, preprocess=Preprocess.to_dict(backbone.preprocess)
    )
    save_model(tmp_path / "model.safetensors", backbone.network, card)
    code = card_markdown(card).split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    loaded: dict[str, nn.Module] = {}
    exec(code, loaded)
    images = torch.randn(2, 3, size, size)
    assert torch.equal(loaded["network"].eval()(images), backbone(images))


def test_card_markdown_of_hostile_names_keeps_its_structure() -> None:
    hostile = "x\n# Owned\n<script>alert(1)</script> [l](http://e) ```"
    card = dataclasses.replace(
        _card(),
        name=hostile,
        class_names=(hostile, "a|b", "c"),
        data={hostile: hostile},
        recipe={"loss": {"name": hostile}},
        command=f"python {hostile}",
    )
    lines = card_markdown(card).splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        r"# x\\n\# Owned\\n&lt;script&gt;alert(1)&lt;/script&gt; \[l\](http\://e) \`\`\`",
        "## Data", "## Recipe", "## Score", "## Made by", "## Input",
        "## Load in plain torchvision",
    ]  # fmt: skip
    assert "<script" not in "\n".join(lines)
    assert sum(line.startswith("```") for line in lines) == 2
