from __future__ import annotations

import json
from pathlib import Path

import pytest

from tlx.runs.atomic import atomic_path, write_json, write_text


def test_atomic_path_shows_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert (temporary.parent, temporary.suffix) == (path.parent, ".txt")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_atomic_path_whose_writer_fails_keeps_the_old_file_alone(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_path_whose_writer_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_write_text_keeps_every_character(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "Größe: 3 µm\n")
    assert (tmp_path / "a.txt").read_bytes() == "Größe: 3 µm\n".encode()


def test_write_json_of_what_is_no_json_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"ö": [1, None]})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"ö": [1, None]}
    assert list(tmp_path.iterdir()) == [path]
