"""Fewer training examples, some classes, folds: every data set takes them alike."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from tests.data.images.test_torchvision_data import write_mnist
from tests.data.pictures import folder_of
from tests.data.wine_table import wines, written
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.data.images.image_counts import data_record
from tlx.data.synthetic import glyph_atlas, glyphs
from tlx.data.task import Task

CLASSES = {
    "digits": ("3", "8"),
    "glyphs": ("A", "B"),
    "image_folder": ("ant", "cat"),
    "image_table": ("ant", "cat"),
    "torchvision": ("1 - one", "7 - seven"),
    "table_csv": ("barbera", "barolo"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a data set of each kind."""
    root = tmp_path_factory.mktemp("data")
    pets = folder_of(root / "pets", {"ant": 20, "cat": 20, "dog": 30})
    names = sorted(path.relative_to(pets).as_posix() for path in pets.rglob("*.png"))
    frame = pd.DataFrame({"path": names, "label": [name[:3] for name in names]})
    frame.to_csv(pets / "table.csv", index=False)
    write_mnist(root / "mnist")
    written(root, wines())
    return root


ATLAS = cache(glyph_atlas.draw_atlas)


@pytest.fixture(autouse=True)
def few_letters_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "CHUNK", 128)
    monkeypatch.setattr(glyph_atlas, "draw_atlas", lambda c, fonts: ATLAS(c, tuple(fonts)))


def words_of(kind: str, folder: Path) -> list[str]:
    files = [f"data.cache={folder / 'cache'}", "data.size=8", "data.threads=1"]
    own = {
        "digits": ["data.train_per_class=null"],
        "glyphs": ["data.train_size=128", "data.val_size=20", "data.test_size=30",
                   "data.classes=[A,B,D]"],
        "image_folder": [f"data.root={folder / 'pets'}", *files],
        "image_table": [f"data.table={folder / 'pets/table.csv'}", *files],
        "torchvision": ["data.name=MNIST", f"data.root={folder / 'mnist'}", *files],
        "table_csv": [f"data.path={folder / 'wines.csv'}", "backbone=mlp",
                      "strategy=structure_reuse", "strategy.init=scratch"],
    }  # fmt: skip
    return [f"data={kind}", *own[kind]]


def load(kind: str, folder: Path, *words: str) -> Task:
    return checked_plan(compose_config([*words_of(kind, folder), *words])).data.load()


def counts(task: Task, split: str = "train") -> dict[str, int]:
    found: dict[str, int] = data_record(task)["images"][split]
    return found


def ids(task: Task, split: str) -> list[int]:
    found: list[int] = getattr(task, split).sample_ids.tolist()
    return found


@pytest.mark.parametrize("kind", CLASSES)
def test_train_per_class_leaves_so_many_and_the_test_as_it_is(kind: str, folder: Path) -> None:
    whole, few, more = (
        load(kind, folder, *words)
        for words in ([], ["data.train_per_class=2"], ["data.train_per_class=3"])
    )
    assert set(counts(few).values()) == {2}
    assert set(counts(more).values()) == {3}
    assert set(ids(few, "train")) < set(ids(more, "train")) < set(ids(whole, "train"))
    for split in ("val", "test"):
        assert sorted(ids(few, split)) == sorted(ids(whole, split))


@pytest.mark.parametrize("kind", CLASSES)
def test_train_fraction_leaves_that_share_of_each_class(kind: str, folder: Path) -> None:
    whole, part = load(kind, folder), load(kind, folder, "data.train_fraction=0.4")
    expected = {name: max(1, round(0.4 * count)) for name, count in counts(whole).items()}
    assert counts(part) == expected
    assert sorted(ids(part, "test")) == sorted(ids(whole, "test"))


@pytest.mark.parametrize("kind", CLASSES)
def test_classes_leave_out_the_others(kind: str, folder: Path) -> None:
    chosen = CLASSES[kind]
    task = load(kind, folder, f"data.classes=[{','.join(map(repr, chosen))}]")
    assert task.class_names == chosen
    whole = load(kind, folder)
    for split in ("train", "val", "test"):
        assert set(getattr(task, split).labels.tolist()) == {0, 1}
        # A class is dealt out alike whichever others there are.
        if kind in ("digits", "table_csv"):
            old = [whole.class_names.index(name) for name in chosen]
            some = [
                row
                for row, label in zip(
                    ids(whole, split), getattr(whole, split).labels.tolist(), strict=True
                )
                if label in old
            ]
            assert sorted(ids(task, split)) == sorted(some)


@pytest.mark.parametrize("kind", CLASSES)
def test_folds_hold_every_example_out_once(kind: str, folder: Path) -> None:
    tasks = [load(kind, folder, "data.folds=3", f"data.fold={fold}") for fold in range(3)]
    # MNIST has a test set of its own: the folds are for validation.
    held, kept = ("val", "test") if kind == "torchvision" else ("test", "val")
    held_out = Counter(row for task in tasks for row in ids(task, held))
    assert set(held_out.values()) == {1}
    for task in tasks:
        splits = [set(ids(task, split)) for split in ("train", "val", "test")]
        assert sum(map(len, splits)) == len(set.union(*splits))
        assert set(ids(task, "train")) < set(held_out)
        assert set(getattr(task, kept).labels.tolist()) == set(range(len(task.class_names)))
