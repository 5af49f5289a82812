"""Photographs through a whole run: training, scoring, predicting and exporting see one input."""

from __future__ import annotations

import re
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image
from torch import Tensor
from torchvision.models import squeezenet1_1
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from tests.data.photographs import SIDES, photograph, photographs, table_of
from tests.tiny import result_of
from tlx.backbones import build_backbone
from tlx.backbones.preprocess import Preprocess
from tlx.backbones.weights.card import Card, read_card, save_model
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.config.stored.record import load_config
from tlx.data.images.files.image_file import read_image
from tlx.data.images.stored.stored_form import StoredForm
from tlx.errors import ConfigError, TlxError
from tlx.evaluate import evaluate
from tlx.inference.export.run import export_run
from tlx.inference.images import stored_form
from tlx.inference.predictor import load_predictor
from tlx.inference.run import predict_files
from tlx.plan.plan import Plan
from tlx.train import train

PRESET = ImageClassification(
    crop_size=32,
    resize_size=37,
    interpolation=InterpolationMode.BICUBIC,
    mean=(0.5, 0.5, 0.5),
    std=(1 / 255, 1 / 255, 1 / 255),
)
"""Of the weights of these tests; nothing in it is what tlx would take by itself."""
WORDS = ("trainer.epochs=1", "trainer.threads=1", "activations=off", "data.threads=1")
FORM = {"size": 37, "resize": "crop", "interpolation": "bicubic", "crop": 32, "depth": 16}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photographs and with weights that have a pipeline of their own."""
    folder = tmp_path_factory.mktemp("pipeline")
    photographs(folder / "photographs")
    table_of(folder / "photographs")
    torch.manual_seed(0)
    card = Card(
        name="a",
        backbone="squeezenet1_1",
        num_classes=2,
        class_names=("x", "y"),
        preprocess=Preprocess.from_preset(PRESET).to_dict(),
    )
    save_model(folder / "a.safetensors", squeezenet1_1(num_classes=2), card)
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        train(compose_config([*folder_words(place), "strategy=structure_reuse"]), place / "run")
    return place / "run"


def folder_words(place: Path) -> list[str]:
    return [
        *WORDS,
        "data=image_folder",
        f"data.root={place / 'photographs'}",
        f"data.cache={place / 'cache'}",
        *model_words(place),
    ]


def model_words(place: Path) -> list[str]:
    return ["backbone=squeezenet1_1", f"backbone.weights={place / 'a.safetensors'}"]


def reference(path: Path) -> Tensor:
    with Image.open(path) as image:
        return PRESET(image)


def logits_of(run: Path, inputs: Tensor) -> Tensor:
    """Return what the run's model says of inputs that torchvision made."""
    backbone = build_backbone("squeezenet1_1", num_classes=2, weights=str(run), keep_head=True)
    with torch.inference_mode():
        return backbone.eval()(inputs)


def test_run_is_scored_on_what_the_weights_transforms_make_of_its_files(
    run: Path, place: Path
) -> None:
    assert result_of(run)["data"]["form"] == FORM
    card = read_card(run / "model.safetensors")
    assert card is not None
    assert stored_form(card.data) == StoredForm(**FORM)  # type: ignore[arg-type]
    files = [
        (place / f"photographs/test/{name}/{shape}.png", label)
        for (label, name), shape in product(enumerate(("cat", "dog")), SIDES)
    ]
    logits = logits_of(run, torch.stack([reference(path) for path, _ in files]))
    labels = torch.tensor([label for _, label in files])
    loss = float(torch.nn.functional.cross_entropy(logits, labels))
    scores = evaluate(run)
    assert scores.loss == pytest.approx(loss, rel=1e-4)
    assert result_of(run)["metrics"]["test"]["loss"] == pytest.approx(loss, rel=1e-4)


def test_predict_sees_what_the_weights_transforms_make_of_any_photograph(
    run: Path, place: Path, tmp_path: Path
) -> None:
    predictor = load_predictor(run)
    paths = [
        photograph(tmp_path / "new" / f"{shape}.png", sides, seed=99)
        for shape, sides in SIDES.items()
    ]
    for path in paths:
        assert torch.equal(predictor.read(path), reference(path)), path
    predict_files(run, tmp_path / "new", tmp_path / "answer.csv", device="cpu")
    answer = pd.read_csv(tmp_path / "answer.csv").set_index("path")
    logits = logits_of(run, torch.stack([reference(path) for path in paths]))
    expected = dict(zip([path.name for path in paths], logits.softmax(1).tolist(), strict=True))
    for name, (cat, dog) in expected.items():
        assert answer.loc[name, "p_cat"] == pytest.approx(cat, abs=1e-5)
        assert answer.loc[name, "p_dog"] == pytest.approx(dog, abs=1e-5)


@pytest.mark.parametrize("most", [250, 65535])
def test_predict_reads_grey_levels_of_16_bits_by_the_run_s_depth(
    most: int, run: Path, tmp_path: Path
) -> None:
    levels = np.linspace(0, most, 60 * 50).reshape(50, 60).astype(np.uint16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    grey = np.rint(levels / 257).astype(np.uint8)
    expected = PRESET(Image.fromarray(grey).convert("RGB"))
    assert torch.equal(load_predictor(run).read(tmp_path / "a.png"), expected)


def test_export_and_its_card_s_code_give_the_model_s_answer_for_a_photograph(
    run: Path, tmp_path: Path
) -> None:
    done = export_run(run, "torch_export", tmp_path / "m.pt2")
    text = done.card_path.read_text()
    code = re.search(r"as the training images did:\n\n```python\n(.*?)```", text, re.S)
    assert code is not None
    scope: dict[str, Any] = {}
    exec(code[1], scope)
    model = torch.export.load(tmp_path / "m.pt2").module()
    for shape, sides in SIDES.items():
        path = photograph(tmp_path / f"{shape}.png", sides, seed=7)
        with Image.open(path) as image:
            pixels = np.asarray(scope["stored"](image)).transpose(2, 0, 1)
        assert pixels.shape == (3, 37, 37)
        assert np.array_equal(pixels, read_image(path, StoredForm(**FORM)).pixels)  # type: ignore[arg-type]
        expected = logits_of(run, reference(path)[None])
        found = model(torch.from_numpy(pixels.copy())[None])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert "Grey levels of more than 8 bits: level * 255 / 65535, rounded (data.depth=16)." in text


def test_run_recorded_before_is_read_as_it_was_trained(run: Path, tmp_path: Path) -> None:
    earlier = tmp_path / "run"
    shutil.copytree(run, earlier)
    config = OmegaConf.load(earlier / "config.yaml")
    del config.data.depth
    config.data.size = 24
    OmegaConf.save(config, earlier / "config.yaml")
    plan = checked_plan(load_config(earlier))
    assert form_of(plan) == StoredForm(24, "crop", "bilinear", None, "picture")
    assert plan.data.load().test.inputs.shape[1:] == (3, 24, 24)
    assert evaluate(earlier).loss != evaluate(run).loss


def form_of(plan: Plan) -> StoredForm:
    form = plan.data.form  # type: ignore[attr-defined]
    assert isinstance(form, StoredForm)
    return form


def planned(*words: str) -> Plan:
    return checked_plan(compose_config([*WORDS, "strategy=structure_reuse", *words]))


def test_image_table_and_folder_give_the_network_the_same_photographs(place: Path) -> None:
    table = f"data.table={place / 'photographs/photographs.csv'}"
    words = [f"data.cache={place / 'cache'}", "data.split_column=split", *model_words(place)]
    task = planned("data=image_table", table, *words).data.load()
    rows = pd.read_csv(place / "photographs/photographs.csv")
    pipeline = Preprocess.from_preset(PRESET)
    assert len(task.test) == 10
    for row, image in zip(task.test.sample_ids.tolist(), task.test.inputs, strict=True):
        path = place / "photographs" / str(rows["path"][row])
        assert torch.equal(pipeline(image[None])[0], reference(path)), path


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (
            ("backbone=resnet18", "backbone.transforms=IMAGENET1K_V1"),
            StoredForm(256, crop=224),
        ),
        (
            ("backbone=mobilenet_v2", "backbone.transforms=IMAGENET1K_V2"),
            StoredForm(232, crop=224),
        ),
        (
            (
                "backbone=mobilenet_v2",
                "backbone.transforms=IMAGENET1K_V2",
                "backbone.image_size=64",
            ),
            StoredForm(64, crop=64),
        ),
        (("backbone=efficientnet_b0",), StoredForm(256, "crop", "bicubic", 224)),
        (("backbone=googlenet", "data.depth=12"), StoredForm(256, crop=224, depth=12)),
        (
            ("backbone=resnet18", "data.size=224", "data.resize=squash"),
            StoredForm(224, "squash"),
        ),
    ],
)
def test_plan_stores_photographs_as_its_network_asks(
    words: tuple[str, ...], form: StoredForm, place: Path
) -> None:
    root = f"data.root={place / 'photographs'}"
    scratch = ("backbone.weights=null", "strategy.init=scratch", *words)
    assert form_of(planned("data=image_folder", root, *scratch)) == form


def test_plan_follows_the_card_of_the_shipped_letters(place: Path) -> None:
    words = ("data=image_folder", f"data.root={place / 'photographs'}")
    plan = planned(*words, "backbone=glyphs_shufflenet_v2_x1_0")
    pipeline = plan.source_model.input_pipeline()
    assert pipeline is not None
    asked = StoredForm(pipeline.resize_size, "crop", pipeline.interpolation, pipeline.crop_size)
    assert form_of(plan) == asked
    preset = ImageClassification(
        crop_size=pipeline.crop_size,
        resize_size=pipeline.resize_size,
        mean=pipeline.mean,
        std=pipeline.std,
    )
    path = place / "photographs/val/cat/wide.png"
    pixels = torch.from_numpy(read_image(path, asked).pixels.copy())
    with Image.open(path) as image:
        assert torch.equal(pipeline(pixels[None])[0], preset(image))


def test_plan_of_bare_weights_takes_the_pipeline_that_they_are_built_with(
    place: Path, tmp_path: Path
) -> None:
    torch.save(squeezenet1_1(num_classes=2).state_dict(), tmp_path / "bare.pth")
    words = ("data=image_folder", f"data.root={place / 'photographs'}", "backbone=squeezenet1_1")
    plan = planned(*words, f"backbone.weights={tmp_path / 'bare.pth'}")
    assert form_of(plan) == StoredForm(256, crop=224)
    assert plan.source_model.input_pipeline() == plan.source_model.build(2).preprocess


def test_plan_of_weights_that_pad_needs_a_size(place: Path, tmp_path: Path) -> None:
    pads = Preprocess(32, 40).to_dict()
    card = Card("a", "squeezenet1_1", 2, ("x", "y"), pads)
    save_model(tmp_path / "pads.safetensors", squeezenet1_1(num_classes=2), card)
    words = ("data=image_folder", f"data.root={place / 'photographs'}", "backbone=squeezenet1_1",
             f"backbone.weights={tmp_path / 'pads.safetensors'}")  # fmt: skip
    with pytest.raises(ConfigError) as error:
        planned(*words)
    assert str(error.value) == (
        "data.size=None: the weights' own pipeline resizes to 32 pixels (bilinear) and cuts out "
        "40, which no stored square can give. Use data.size=40, for example."
    )
    assert form_of(planned(*words, "data.size=40")) == StoredForm(40)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("CIFAR10", StoredForm(32, depth="picture")),
        ("Food101", StoredForm(224, depth="picture")),
    ],
)
def test_plan_of_a_run_recorded_before_keeps_torchvision_s_sizes(
    name: str, form: StoredForm, tmp_path: Path
) -> None:
    model = ("backbone=resnet18", "backbone.weights=null")
    data = ("data=torchvision", f"data.name={name}", "data.download=true")
    method = ("strategy=structure_reuse", "strategy.init=scratch")
    config = compose_config([*WORDS, *data, *model, *method])
    new = StoredForm(32) if name == "CIFAR10" else StoredForm(256, crop=224)
    assert form_of(checked_plan(config)) == new
    del config.data.depth
    assert form_of(checked_plan(config)) == form


BOUNDS = "It takes a whole number at least 8 and at most 16 or picture."


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("7", BOUNDS),
        ("17", BOUNDS),
        ("picutre", "Did you mean 'picture'?"),
        ("true", BOUNDS),
        ("12.5", BOUNDS),
        ("null", BOUNDS),
    ],
)
def test_depth_of_no_sense_is_refused_with_what_it_takes(
    value: str, remedy: str, place: Path
) -> None:
    with pytest.raises(ConfigError) as error:
        planned(*folder_words(place), f"data.depth={value}")
    (fault,) = error.value.faults
    assert (fault.key, fault.remedy) == ("data.depth", remedy)


def test_card_that_tells_of_no_form_there_is_names_it() -> None:
    with pytest.raises(TlxError) as error:
        stored_form({"stored": {"size": 8, "resize": "stretch"}})
    assert str(error.value) == (
        "the model's card cannot be used: it is no form of stored images: "
        "{'size': 8, 'resize': 'stretch'}."
    )
