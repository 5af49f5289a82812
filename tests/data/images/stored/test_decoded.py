from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.small_disk import small_disk
from tlx.data.images.files.image_file import DecodedImage
from tlx.data.images.files.image_limits import ImageFileError
from tlx.data.images.stored.decoded import Decoding, decoded_images
from tlx.runs.disk import DiskError


def image(number: int) -> DecodedImage:
    mode = "L" if number % 3 == 0 else "RGB"
    pixels = np.full((3, 2, 2), number % 256, np.uint8)
    return DecodedImage(pixels, mode, bytes([number % 256]) * 32, number % 5)


def asked(decode: Callable[[int], DecodedImage] = image, count: int = 600) -> Decoding:
    return Decoding(count, (3, 2, 2), {"files": "some"}, decode, threads=4)


def never(number: int) -> DecodedImage:
    raise AssertionError(f"image {number} is decoded again")


def test_decoded_images_are_in_order_and_kept(tmp_path: Path) -> None:
    first = decoded_images(asked(), tmp_path)
    assert first.decoded_now
    again = decoded_images(asked(never), tmp_path)
    assert not again.decoded_now
    for found in (first, again):
        assert found.pixels[:, 0, 0, 0].tolist() == [number % 256 for number in range(600)]
        assert found.digests[7].tobytes() == bytes([7]) * 32
        assert found.labels.tolist() == [number % 5 for number in range(600)]
        assert found.modes == {"L": 200, "RGB": 400}
        assert isinstance(found.pixels, np.memmap)


def test_decoded_images_that_are_bad_are_named_and_blank(tmp_path: Path) -> None:
    def decode(number: int) -> DecodedImage:
        if number in (3, 500):
            raise ImageFileError(f"bad {number}")
        return image(number)

    decoded_images(asked(decode), tmp_path)
    found = decoded_images(asked(never), tmp_path)
    assert found.faults == {3: "bad 3", 500: "bad 500"}
    assert not found.pixels[3].any()
    assert found.labels[3] == -1
    assert found.rows(np.array([2, 500])).faults == {1: "bad 500"}


def test_decoded_images_of_something_else_are_decoded(tmp_path: Path) -> None:
    decoded_images(asked(), tmp_path)
    for other in (
        replace(asked(), depends_on={"files": "others"}),
        asked(count=601),
        replace(asked(lambda n: replace(image(n), pixels=np.zeros((3, 4, 4), np.uint8))),
                shape=(3, 4, 4)),
    ):  # fmt: skip
        assert decoded_images(other, tmp_path).decoded_now


@pytest.mark.parametrize(
    ("file", "content"),
    [("about.json", b"{"), ("images.npy", b"\x93NUMPY"), ("images.npy", None), ("labels.npy", b"")],
)
def test_decoded_images_of_a_damaged_cache_are_decoded_again(
    file: str, content: bytes | None, tmp_path: Path
) -> None:
    decoded_images(asked(), tmp_path)
    (path,) = tmp_path.glob(f"*/{file}")
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    assert decoded_images(asked(), tmp_path).decoded_now
    assert not decoded_images(asked(never), tmp_path).decoded_now


def test_decoded_images_of_an_interrupted_decoding_leave_nothing(tmp_path: Path) -> None:
    def decode(number: int) -> DecodedImage:
        if number == 300:
            raise KeyboardInterrupt
        return image(number)

    with pytest.raises(KeyboardInterrupt):
        decoded_images(asked(decode), tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_decoded_images_without_a_writable_cache_are_decoded_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING, "tlx"):
        found = decoded_images(asked(), tmp_path / "file/cache")
    assert found.pixels[9, 0, 0, 0] == 9
    assert "decoded images are not kept in" in caplog.text


def test_decoded_images_changed_in_memory_stay_on_disk(tmp_path: Path) -> None:
    decoded_images(asked(), tmp_path).pixels[:] = 77
    assert decoded_images(asked(never), tmp_path).pixels[5, 0, 0, 0] == 5


def test_decoded_images_on_a_full_disk_are_decoded_elsewhere_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    big = replace(
        asked(lambda n: replace(image(n), pixels=np.full((3, 64, 64), n % 256, np.uint8))),
        shape=(3, 64, 64),
    )  # 7.4 MB, which a mapped file would take until the process is killed
    with small_disk(tmp_path / "disk", 2048) as disk, caplog.at_level(logging.WARNING, "tlx"):
        found = decoded_images(big, disk / "cache")
        assert found.pixels[9, 0, 0, 0] == 9
        assert f"decoded images are not kept in {disk / 'cache'}: " in caplog.text
        assert [path.name for path in (disk / "cache").iterdir() if path.is_dir()] == []


def test_decoded_images_without_room_anywhere_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = replace(asked(never), shape=(3, 64, 64))
    with small_disk(tmp_path / "disk", 2048) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        with pytest.raises(DiskError) as told:
            decoded_images(big, disk / "cache")
        assert f" cannot be written: the file system at {disk} has too little " in str(told.value)
        assert [path.name for path in disk.iterdir()] == ["cache"]


def test_decoded_images_written_to_afterwards_are_decoded_again(tmp_path: Path) -> None:
    decoded_images(asked(), tmp_path)
    (path,) = tmp_path.glob("*/images.npy")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\x99")
    again = decoded_images(asked(), tmp_path)
    assert again.decoded_now
    assert path.read_bytes() == whole
