from __future__ import annotations

import os
from pathlib import Path

import pytest

from tlx.data.images.files import file_walk
from tlx.data.images.files.file_walk import walked


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_walked_sorts_every_file_by_kind(tmp_path: Path) -> None:
    root = touch(
        tmp_path / "pets", "cat/b.PNG", "cat/deep/a.jpg", "dog/a.webp", "cat/c.heic", "cat/none",
        "cat/.hidden.png", "cat/._a.jpg", "cat/Thumbs.db", "cat/.ipynb_checkpoints/a.png",
        "__MACOSX/cat/a.png", ".DS_Store", "dog/desktop.ini",
    )  # fmt: skip
    os.mkfifo(root / "dog/pipe.png")
    (root / "dog/gone.png").symlink_to(root / "nowhere.png")
    (root / "dog/self.png").symlink_to(root / "dog/self.png")
    walk = walked(root)
    assert walk.images == ("cat/b.PNG", "cat/deep/a.jpg", "dog/a.webp")
    assert walk.folders == ("cat", "cat/deep", "dog")
    assert dict(walk.left_out) == {
        "cat/c.heic": "other_suffix",
        "cat/none": "other_suffix",
        "cat/.hidden.png": "hidden",
        "cat/._a.jpg": "hidden",
        "cat/Thumbs.db": "hidden",
        "cat/.ipynb_checkpoints": "hidden",
        "__MACOSX": "hidden",
        ".DS_Store": "hidden",
        "dog/desktop.ini": "hidden",
        "dog/pipe.png": "not_plain",
        "dog/gone.png": "broken_link",
        "dog/self.png": "broken_link",
    }
    assert walk.faults("data.root") == []


def test_walked_follows_links_to_files_and_folders_wherever_they_lead(tmp_path: Path) -> None:
    store = touch(tmp_path / "store", "a.png", "deep/b.png")
    root = touch(tmp_path / "pets", "cat/own.png")
    (root / "dog").symlink_to(store)
    (root / "emu").symlink_to(store)
    (root / "cat/linked.png").symlink_to(store / "a.png")
    walk = walked(root)
    assert walk.images == (
        "cat/linked.png", "cat/own.png", "dog/a.png", "dog/deep/b.png", "emu/a.png",
        "emu/deep/b.png",
    )  # fmt: skip
    assert walked(root / "dog").images == ("a.png", "deep/b.png")


@pytest.mark.parametrize("to", [".", "..", "../..", "../dog", "/"])
def test_walked_ends_where_links_lead_back_up(to: str, tmp_path: Path) -> None:
    root = touch(tmp_path / "pets", "cat/a.png", "dog/b.png")
    (root / "cat/up").symlink_to(to, target_is_directory=True)
    (root / "dog/over").symlink_to("../cat", target_is_directory=True)
    walk = walked(root)
    up = [name for name, why in walk.left_out if why == "leads_back_up"]
    if to == "../dog":  # each leads to the other
        assert walk.images == ("cat/a.png", "cat/up/b.png", "dog/b.png", "dog/over/a.png")
        assert sorted(up) == ["cat/up/over", "dog/over/up"]
    else:
        assert walk.images == ("cat/a.png", "dog/b.png", "dog/over/a.png")
        assert sorted(up) == ["cat/up", "dog/over/up"]


def test_walked_breaks_off_where_links_multiply_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_walk, "MOST_VISITS", 50)
    for number in range(30):  # 2 to the 30 paths
        (tmp_path / f"{number}").mkdir()
        for name in ("a", "b"):
            (tmp_path / f"{number}" / name).symlink_to(tmp_path / f"{number + 1}")
    (tmp_path / "30").mkdir()
    (fault,) = walked(tmp_path / "0").faults("data.root")
    assert str(fault).startswith(f"data.root={tmp_path / '0'}: symbolic links lead to a/")
    assert str(fault).endswith(" more than 50 times. Remove links that lead to each other.")


def test_walked_names_that_are_not_utf_8_are_faults(tmp_path: Path) -> None:
    root = touch(tmp_path / "pets", "cat/a.png")
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9")).mkdir()
    Path(os.fsdecode(os.fsencode(root) + b"/cat/\xff.png")).touch()
    Path(os.fsdecode(os.fsencode(root) + b"/cat/.\xfe")).touch()
    assert [str(fault) for fault in walked(root).faults("data.root")] == [
        f"data.root={root}: 2 names are not UTF-8: caf\\xe9, cat/\\xff.png. Rename them, with "
        "convmv -r -f latin1 -t utf8 --notest FOLDER for example."
    ]


def test_walked_folders_that_cannot_be_read_are_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = touch(tmp_path / "pets", "cat/a.png", "dog/a.png")
    read = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "dog":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [str(fault) for fault in walked(root).faults("data.root")] == [
        f"data.root={root}: folders that cannot be read: dog (Permission denied). Make them "
        "readable (chmod u+rX), or move them away."
    ]
