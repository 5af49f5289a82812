from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.models import get_model_weights
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from tests.data.photographs import SIDES, photograph, photographs, table_of
from tlx.backbones.preprocess import Preprocess
from tlx.config.stored.image_form import wanted_form
from tlx.data.images.files.image_file import read_image
from tlx.data.images.image_folder import ImageFolder
from tlx.data.images.image_table import ImageTable
from tlx.data.images.stored.stored_form import StoredForm
from tlx.data.source import StoredForNetwork
from tlx.data.task import Task

KINDS = [
    ("resnet18", "IMAGENET1K_V1"),  # 256, 224
    ("resnet50", "IMAGENET1K_V2"),  # 232, 224
    ("efficientnet_b1", "IMAGENET1K_V2"),  # 255, 240: a margin that is odd
    ("swin_s", "IMAGENET1K_V1"),  # 246, 224, bicubic
    ("vit_l_16", "IMAGENET1K_V1"),  # 242, 224
    ("inception_v3", "IMAGENET1K_V1"),  # 342, 299
    ("googlenet", "IMAGENET1K_V1"),
    ("vit_b_16", "IMAGENET1K_SWAG_E2E_V1"),  # 384 without a margin, bicubic
    ("regnet_y_16gf", "IMAGENET1K_SWAG_LINEAR_V1"),
    ("vit_h_14", "IMAGENET1K_SWAG_E2E_V1"),  # 518
    ("vgg16", "IMAGENET1K_FEATURES"),  # standard deviations of 1/255
    ("maxvit_t", "IMAGENET1K_V1"),
    ("efficientnet_v2_l", "IMAGENET1K_V1"),  # 480, mean and standard deviation of a half
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographs(tmp_path_factory.mktemp("photographs"))


def stored(source: StoredForNetwork, pipeline: Preprocess) -> Task:
    return source.for_network(wanted_form(pipeline)).load()


def seen_by_file(root: Path, task: Task, pipeline: Preprocess) -> dict[str, Tensor]:
    """Return the network's input of each file, which the listing numbers by name."""
    names = [f"{s}/{c}/{n}" for s, c, n in product(("train", "val", "test"), ("cat", "dog"), SIDES)]
    order = {name: number for number, name in enumerate(_listed(root))}
    found: dict[int, Tensor] = {}
    for split in (task.train, task.val, task.test):
        inputs = pipeline(split.inputs[:])
        found |= dict(zip(split.sample_ids.tolist(), inputs, strict=True))
    return {name: found[order[name]] for name in names}


def _listed(root: Path) -> list[str]:
    listing = ImageFolder(root=str(root)).listed()
    assert not isinstance(listing, list)
    return [name.removesuffix(".png") for name in listing.names]


@pytest.mark.parametrize(("name", "weights"), KINDS)
def test_image_files_become_exactly_what_the_weights_transforms_make_of_them(
    name: str, weights: str, root: Path, tmp_path: Path
) -> None:
    preset = get_model_weights(name)[weights].transforms()
    pipeline = Preprocess.from_preset(preset)
    source = ImageFolder(root=str(root), cache=str(tmp_path), threads=1)
    seen = seen_by_file(root, stored(source, pipeline), pipeline)
    for shape in SIDES:
        with Image.open(root / f"train/cat/{shape}.png") as image:
            assert torch.equal(seen[f"train/cat/{shape}"], preset(image)), shape


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest", "nearest-exact"])
@pytest.mark.parametrize("margin", [0, 1, 2, 3, 43])
def test_image_files_follow_every_interpolation_and_margin(
    margin: int, interpolation: str, antialias: bool, root: Path
) -> None:
    preset = ImageClassification(
        crop_size=40,
        resize_size=40 + margin,
        interpolation=InterpolationMode(interpolation),
        antialias=antialias,
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 1.0),
    )
    pipeline = Preprocess.from_preset(preset)
    form = wanted_form(pipeline)
    assert form is not None
    for shape in SIDES:
        path = root / f"val/dog/{shape}.png"
        pixels = torch.from_numpy(read_image(path, form).pixels.copy())
        with Image.open(path) as image:
            assert torch.equal(pipeline(pixels[None])[0], preset(image)), shape


def test_image_table_gives_the_pixels_of_the_folder(root: Path, tmp_path: Path) -> None:
    pipeline = Preprocess(45, 40, interpolation="bicubic")
    options: dict[str, Any] = {"cache": str(tmp_path), "threads": 1}
    folder = stored(ImageFolder(root=str(root), **options), pipeline)
    table = ImageTable(table=str(table_of(root)), split_column="split", **options)
    tabled = stored(table, pipeline)
    assert folder.train.inputs.shape == (10, 3, 45, 45)
    assert sorted(map(_digest, folder.test.inputs)) == sorted(map(_digest, tabled.test.inputs))
    assert folder.about["form"] == tabled.about["form"] == {
        "size": 45, "resize": "crop", "interpolation": "bicubic", "crop": 40, "depth": 16,
    }  # fmt: skip


def _digest(image: Tensor) -> bytes:
    return image.numpy().tobytes()


def test_image_files_of_a_pipeline_that_squashes_are_squashed(root: Path) -> None:
    pipeline = Preprocess(44, 40, squash=True)
    form = wanted_form(pipeline)
    assert form == StoredForm(44, "squash", crop=40)
    path = root / "train/cat/wide.png"
    pixels = torch.from_numpy(read_image(path, form).pixels.copy())
    with Image.open(path) as image:
        squashed = np.asarray(image.resize((44, 44), Image.Resampling.BILINEAR))[2:42, 2:42]
    levels = pipeline(pixels[None])[0] * torch.tensor(pipeline.std).view(3, 1, 1)
    levels = (levels + torch.tensor(pipeline.mean).view(3, 1, 1)) * 255
    assert np.array_equal(levels.round().numpy(), squashed.transpose(2, 0, 1))


def test_a_large_jpeg_is_decoded_in_full_as_its_weights_saw_it(tmp_path: Path) -> None:
    path = photograph(tmp_path / "a.jpg", (1600, 1200))
    preset = ImageClassification(crop_size=32, resize_size=36)
    pipeline = Preprocess.from_preset(preset)
    form = wanted_form(pipeline)
    assert form is not None
    pixels = torch.from_numpy(read_image(path, form).pixels.copy())
    with Image.open(path) as image:
        assert torch.equal(pipeline(pixels[None])[0], preset(image))
    drafted = read_image(path, StoredForm(36)).pixels
    assert not np.array_equal(drafted, pixels.numpy())


def test_a_size_of_one_s_own_and_squash_stay_what_they_were() -> None:
    wanted = StoredForm(256, interpolation="bicubic", crop=224)
    own = ImageFolder(root=".", size=96, resize="squash")
    assert own.form_for(wanted) == StoredForm(96, "squash", "bilinear", None)
    squashed = ImageFolder(root=".", resize="squash")
    assert squashed.form_for(wanted) == StoredForm(256, "squash", "bicubic", 224)
    assert ImageFolder(root=".").form_for(None) == StoredForm(256, "crop", "bilinear", 224)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"size": "224"}, "it is no form of stored images: {'size': '224'}"),
        ({"size": 8, "crop": 9}, "it is no form of stored images: {'size': 8, 'crop': 9}"),
        ({"size": 8, "depth": 17}, "it is no form of stored images: {'size': 8, 'depth': 17}"),
        ({"size": True}, "it is no form of stored images: {'size': True}"),
        (
            {"size": 8, "colour": 1},
            "it is no form of stored images: StoredForm.__init__() got an unexpected keyword "
            "argument 'colour'",
        ),
    ],
)
def test_stored_form_of_unsound_values_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError) as error:
        StoredForm.from_dict(values)
    assert str(error.value) == reason
    sound = StoredForm(8, "squash", "bicubic", 7, "picture")
    assert StoredForm.from_dict(sound.to_dict()) == sound
