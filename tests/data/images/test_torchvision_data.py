from __future__ import annotations

import gzip
import pickle
import socket
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from tests.data.photographs import photograph
from tlx.backbones.preprocess import Preprocess
from tlx.config.stored.image_form import wanted_form
from tlx.data.images.image_counts import data_record
from tlx.data.images.torchvision_data import TorchvisionData
from tlx.data.images.torchvision_names import KNOWN
from tlx.errors import ConfigError, TlxError

PER_BATCH = 20


def source(root: Path, name: str, **options: Any) -> TorchvisionData:
    cache = str(root.parent / "cache")
    return TorchvisionData(name=name, root=str(root), cache=cache, threads=2, **options)


def write_mnist(root: Path) -> dict[str, np.ndarray]:
    """Write MNIST's four files, with other pixels."""
    folder = root / "MNIST/raw"
    folder.mkdir(parents=True)
    written = {}
    for name, count in (("train", 60), ("t10k", 20)):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        header = struct.pack(">IIII", 2051, count, 28, 28)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        header = struct.pack(">II", 2049, count)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
        written[name] = pixels
    return written


def write_cifar10(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write CIFAR-10's batches, with other pixels; what is asked of their digests is left out."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    kind = datasets.CIFAR10
    for number, (name, _) in enumerate((*kind.train_list, *kind.test_list)):
        pixels = np.random.default_rng(number).integers(0, 256, (PER_BATCH, 3072), np.uint8)
        labels = [index % 10 for index in range(PER_BATCH)]
        (folder / name).write_bytes(pickle.dumps({"data": pixels, "labels": labels}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    for attribute in ("train_list", "test_list"):
        without = [[name, None] for name, _ in getattr(kind, attribute)]
        monkeypatch.setattr(kind, attribute, without)
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": None})


def test_known_names_are_torchvision_s_and_take_the_arguments_given() -> None:
    assert set(KNOWN) <= set(datasets.__all__)
    for name, known in KNOWN.items():
        code = getattr(datasets, name).__init__.__code__
        taken = code.co_varnames[: code.co_argcount + 2]  # with *args and **kwargs
        for arguments in known.splits.values():
            assert set(arguments) <= {*taken, "train"}, name


def test_mnist_keeps_its_test_set_its_size_and_its_single_channel(tmp_path: Path) -> None:
    written = write_mnist(tmp_path / "data")
    task = source(tmp_path / "data", "MNIST").load()
    assert task.train.inputs.shape[1:] == (1, 28, 28)
    assert len(task.class_names) == 10
    assert task.class_names[3] == "3 - three"
    order = task.test.sample_ids.argsort()
    assert np.array_equal(task.test.inputs[order][:, 0].numpy(), written["t10k"])
    for image, row in zip(task.train.inputs, task.train.sample_ids.tolist(), strict=True):
        assert np.array_equal(image[0].numpy(), written["train"][row])
    images = data_record(task)["images"]
    assert set(images["train"].values()) == {5}
    assert set(images["val"].values()) == {1}


def test_mnist_of_another_size_and_two_classes_is_resized(tmp_path: Path) -> None:
    write_mnist(tmp_path / "data")
    task = source(
        tmp_path / "data", "MNIST", size=8, classes=("1 - one", "7 - seven"), train_per_class=2
    ).load()
    assert task.train.inputs.shape == (4, 1, 8, 8)
    assert task.class_names == ("1 - one", "7 - seven")


def test_mnist_second_time_is_read_from_the_cache(tmp_path: Path) -> None:
    write_mnist(tmp_path / "data")
    first, again = (source(tmp_path / "data", "MNIST").load() for _ in range(2))
    assert (first.about["decoded_now"], again.about["decoded_now"]) == (True, False)
    assert first.fingerprint == again.fingerprint


def test_cifar10_gives_torchvision_s_images_in_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar10(tmp_path / "data", monkeypatch)
    task = source(tmp_path / "data", "CIFAR10", folds=5, fold=1).load()
    assert task.class_names == tuple("abcdefghij")
    assert (len(task.train), len(task.val), len(task.test)) == (80, 20, 20)
    reference = datasets.CIFAR10(tmp_path / "data", train=True)
    for split in (task.train, task.val):
        for image, label, row in zip(split.inputs, split.labels, split.sample_ids, strict=True):
            expected, expected_label = reference[int(row)]
            assert np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(expected))
            assert int(label) == expected_label


def test_a_data_set_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    assert [str(fault) for fault in source(tmp_path / "data", "CIFAR10").faults()] == [
        f"data.root={tmp_path / 'data'}: there is nothing in this folder, so no CIFAR10. "
        "Give the folder that holds it, or say data.download=true."
    ]
    write_mnist(tmp_path / "data")
    with pytest.raises(TlxError) as error:
        source(tmp_path / "data", "CIFAR10").load()
    assert str(error.value).startswith(
        f"data.name=CIFAR10: it cannot be read from {tmp_path / 'data'} ("
    )
    assert str(error.value).endswith("or say data.download=true.")


def test_a_download_without_a_network_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    with pytest.raises(TlxError) as error:
        source(tmp_path / "data", "CIFAR10", download=True).load()
    message = str(error.value)
    assert message.startswith(
        f"data.name=CIFAR10: it cannot be downloaded to {tmp_path / 'data'} ("
    )
    assert "Temporary failure in name resolution" in message
    assert message.endswith(
        "Without a network, put torchvision's files of it there from another machine, and leave "
        "data.download=false."
    )


def test_an_unknown_name_suggests_known_ones(tmp_path: Path) -> None:
    (fault,) = source(tmp_path, "Cifar10", download=True).faults()
    assert str(fault) == (
        "data.name=Cifar10: torchvision has no classification data set of this name. "
        "Did you mean 'CIFAR10' or 'CIFAR100'?"
    )


def test_a_damaged_archive_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    write_mnist(tmp_path / "data")
    path = tmp_path / "data/MNIST/raw/train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(TlxError, match=r"data\.name=MNIST: it cannot be read from"):
        source(tmp_path / "data", "MNIST").load()


def test_a_class_that_it_lacks_is_a_fault_when_it_is_read(tmp_path: Path) -> None:
    write_mnist(tmp_path / "data")
    with pytest.raises(ConfigError, match=r"data\.classes=seven: there is no such class"):
        source(tmp_path / "data", "MNIST", classes=("seven", "1 - one")).load()


PRESET = ImageClassification(
    crop_size=32, resize_size=35, interpolation=InterpolationMode.BICUBIC, mean=(0.5,) * 3
)


def test_photographs_of_a_known_set_become_what_the_weights_transforms_make_of_them(
    tmp_path: Path,
) -> None:
    for label, wnid in enumerate(sorted(datasets.Imagenette._WNID_TO_CLASS)):
        for number, split in enumerate(("train", "train", "train", "val")):
            path = tmp_path / f"data/imagenette2/{split}/{wnid}/{number}.jpeg"
            photograph(path, (50 + 7 * number, 38 + 5 * label), 4 * label + number)
    pipeline = Preprocess.from_preset(PRESET)
    wanted = wanted_form(pipeline)
    task = source(tmp_path / "data", "Imagenette").for_network(wanted).load()
    assert task.about["form"] == {
        "size": 35, "resize": "crop", "interpolation": "bicubic", "crop": 32, "depth": 16,
    }  # fmt: skip
    own = {split: datasets.Imagenette(tmp_path / "data", split) for split in ("train", "val")}
    files = [path for part in own.values() for path, _ in part._samples]
    assert (len(task.train), len(task.test)) == (20, 10)
    for split in (task.train, task.test):
        for row, image in zip(split.sample_ids.tolist(), split.inputs, strict=True):
            with Image.open(files[row]) as whole:
                assert torch.equal(pipeline(image[None])[0], PRESET(whole)), files[row]


@pytest.mark.parametrize(("interpolation", "beyond"), [("bilinear", 0.0), ("bicubic", 0.02)])
def test_small_squares_keep_their_size_and_come_within_a_grey_level_of_the_transforms(
    interpolation: str, beyond: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = ImageClassification(
        crop_size=32, resize_size=35, interpolation=InterpolationMode(interpolation)
    )
    write_cifar10(tmp_path / "data", monkeypatch)  # noise, the worst of pictures
    pipeline = Preprocess.from_preset(preset)
    task = source(tmp_path / "data", "CIFAR10").for_network(wanted_form(pipeline)).load()
    assert task.test.inputs.shape[1:] == (3, 32, 32)
    found = pipeline(task.test.inputs[:])
    images = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in task.test.inputs]
    levels = (found - torch.stack([preset(image) for image in images])) * 255
    levels *= torch.tensor(pipeline.std).view(3, 1, 1)
    assert found.std() > 0.5
    assert float((levels.abs() > 1.01).float().mean()) <= beyond
