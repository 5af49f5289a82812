from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from tlx.data.images.files.image_limits import ImageFileError
from tlx.errors import TlxError
from tlx.inference.inputs import locate, read_inputs


def test_read_inputs_of_a_folder_are_its_images_at_any_depth_in_order(tmp_path: Path) -> None:
    for name in ("b.PNG", "a/c.jpg", "a/notes.txt", "z.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert read_inputs(tmp_path).names == ["a/c.jpg", "b.PNG", "z.webp"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_read_inputs_of_a_table_keep_its_order_and_its_words(suffix: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"n": [1, 2, 3, 4], "file": ["b.png", "NA", "a.png", None]})
    path = tmp_path / f"table{suffix}"
    table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
    inputs = read_inputs(path, path_column="file")
    assert inputs.names == ["b.png", "NA", "a.png", None]
    assert inputs.root == tmp_path


@pytest.mark.parametrize(
    ("name", "column", "says"),
    [
        ("none.csv", "path", "there is no such file or folder"),
        ("table.txt", "path", "is neither a folder nor a .csv or .parquet table"),
        ("table.csv", "pth", "has no column 'pth' (--path-column). Did you mean 'path'?"),
        ("broken.parquet", "path", "broken.parquet cannot be read: "),
        ("empty.csv", "path", "there is nothing to predict: no rows in "),
        (".", "path", "there is nothing to predict: no files such as .jpg"),
    ],
)
def test_read_inputs_of_no_input_says_what_is_wrong(
    name: str, column: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text("path\na.png\n")
    (tmp_path / "table.txt").write_text("path\na.png\n")
    (tmp_path / "empty.csv").write_text("path\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(TlxError) as error:
        read_inputs(tmp_path / name, path_column=column)
    assert says in str(error.value)


def test_fingerprint_changes_with_names_order_content_and_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (1e9, 1e9))
    seen = {read_inputs(tmp_path).fingerprint()}
    assert read_inputs(tmp_path).fingerprint() in seen
    (tmp_path / "a.png").write_text("longer")
    os.utime(tmp_path / "a.png", (1e9, 1e9))
    seen.add(read_inputs(tmp_path).fingerprint())
    os.utime(tmp_path / "b.png", (1e9, 1e9 + 1))
    seen.add(read_inputs(tmp_path).fingerprint())
    (tmp_path / "a.png").rename(tmp_path / "c.png")
    seen.add(read_inputs(tmp_path).fingerprint())
    for order in (["b.png", "c.png"], ["c.png", "b.png"]):
        pd.DataFrame({"path": order}).to_csv(tmp_path / "t.csv", index=False)
        seen.add(read_inputs(tmp_path / "t.csv").fingerprint())
    assert len(seen) == 5  # the table in the folder's order names the same images


@pytest.mark.parametrize("name", ["a\0b.png", "n" * 5000 + ".png"])
def test_locate_of_an_impossible_name_is_an_error_of_the_row(name: str, tmp_path: Path) -> None:
    with pytest.raises(ImageFileError):
        locate(name, tmp_path)


def test_read_inputs_of_linked_folders_and_files_are_those_that_training_reads(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    for name in ("store/a.png", "store/b.png", "pets/cat/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    root = tmp_path / "pets"
    (root / "dog").symlink_to(store)
    (root / "cat/linked.png").symlink_to(store / "a.png")
    (root / "cat/up").symlink_to(root)
    (root / "cat/.ipynb_checkpoints").mkdir()
    (root / "cat/.ipynb_checkpoints/c.png").touch()
    inputs = read_inputs(root)
    assert inputs.names == ["cat/c.png", "cat/linked.png", "dog/a.png", "dog/b.png"]
    places = [locate(name, root, confined=inputs.confined) for name in inputs.names]
    assert places[1:] == [store / "a.png", store / "a.png", store / "b.png"]
    assert inputs.account is not None
    assert inputs.account.sentence() == (
        "4 image files are used, left out: 1 hidden, such as cat/.ipynb_checkpoints; 1 links that "
        "lead back up, such as cat/up"
    )


def test_read_inputs_of_links_that_lead_nowhere_are_rows(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    inputs = read_inputs(tmp_path)
    assert inputs.names == ["a.png", "gone.png"]
    with pytest.raises(ImageFileError, match="there is no such file"):
        locate("gone.png", tmp_path, confined=inputs.confined)


def test_read_inputs_of_other_formats_alone_says_which(tmp_path: Path) -> None:
    (tmp_path / "a.heic").touch()
    with pytest.raises(TlxError) as error:
        read_inputs(tmp_path)
    assert str(error.value) == (
        f"there is nothing to predict: no files such as .jpg, .png or .webp in {tmp_path} or below "
        "(0 image files are used, left out: 1 of another suffix (.heic 1), such as a.heic)."
    )


def test_read_inputs_of_names_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")).touch()
    with pytest.raises(TlxError) as error:
        read_inputs(tmp_path)
    assert str(error.value) == (
        f"--input={tmp_path}: 1 name is not UTF-8: caf\\xe9.png. Rename them, with convmv -r -f "
        "latin1 -t utf8 --notest FOLDER for example."
    )
