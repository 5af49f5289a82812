"""The experiment on CIFAR-10: its tables of images, its jobs, its choice, table and picture."""

from __future__ import annotations

import csv
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from PIL import Image

from experiments.cifar10_fewshot.__main__ import TASK, model, validation
from experiments.cifar10_fewshot.figures import draw_accuracies
from experiments.cifar10_fewshot.images import (
    SOURCE_CLASSES,
    TARGET_CLASSES,
    Shares,
    image_folder,
    write_tables,
)
from experiments.cifar10_fewshot.jobs import GROUP, Job, completed, results, run_jobs, write_option
from experiments.cifar10_fewshot.methods import AMOUNTS, FAMILIES, METHODS, SCRATCH, Amount
from experiments.cifar10_fewshot.report import best_rates, rates_of, summary, table
from tlx.config.choices.paths import conf_dir
from tlx.config.composition import compose_config
from tlx.errors import TlxError

SHARES = Shares(dev_train=4, dev_test=2, test=3)


def write_images(folder: Path, per_class: dict[str, int]) -> Path:
    """Write small images of noise for all ten classes."""
    noise = np.random.default_rng(0)
    for split, count in per_class.items():
        for name in (*SOURCE_CLASSES, *TARGET_CLASSES):
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = noise.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number:04d}.png")
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_share_no_image_and_hold_target_classes_only(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", {"train": 10, "test": 5})
    tables = write_tables(folder, tmp_path / "out", SHARES)
    target, dev = rows_of(tables.target), rows_of(tables.dev)
    assert {row["path"] for row in target}.isdisjoint(row["path"] for row in dev)
    assert {row["label"] for row in target + dev} == set(TARGET_CLASSES)
    assert set(SOURCE_CLASSES).isdisjoint(TARGET_CLASSES)
    for row in target:  # the published split is kept
        assert row["path"].startswith(f"{row['split']}/{row['label']}/")
    assert all(row["path"].startswith("train/") for row in dev)
    frogs = pd.DataFrame(target).query("label == 'frog'")
    assert frogs["split"].value_counts().to_dict() == {"test": 3, "train": 4}
    assert pd.DataFrame(dev).groupby("split").size().to_dict() == {"test": 8, "train": 16}
    assert tables.training_per_class == 4


def test_tables_of_too_few_images_are_refused(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", {"train": 6, "test": 1})
    with pytest.raises(TlxError, match=r"frog holds 6 images; .* takes 6, and some must remain"):
        write_tables(folder, tmp_path / "out", SHARES)


def test_archive_is_unpacked_once_and_a_folder_taken_as_it_is(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", {"train": 1, "test": 1})
    assert image_folder(folder, tmp_path / "out") == folder
    archive = tmp_path / "cifar.tar.xz"
    with tarfile.open(archive, "w:xz") as made:
        for split in ("train", "test"):
            made.add(folder / split, split)
    unpacked = image_folder(archive, tmp_path / "out")
    image = "test/frog/0000.png"
    assert (unpacked / image).read_bytes() == (folder / image).read_bytes()
    (unpacked / image).unlink()
    assert not (image_folder(archive, tmp_path / "out") / image).exists()


def test_images_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(TlxError, match="no such file or folder"):
        image_folder(tmp_path / "none", tmp_path)
    write_images(tmp_path / "images", {"train": 1})
    with pytest.raises(TlxError, match="lacks test/airplane, test/automobile"):
        image_folder(tmp_path / "images", tmp_path)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_option_of_a_method_composes_to_what_it_says(method: object, tmp_path: Path) -> None:
    from hydra import compose, initialize_config_dir

    from experiments.cifar10_fewshot.methods import Method
    from tlx.config.choices.registration import register

    assert isinstance(method, Method)
    job = Job(method, Amount(labels=7, epochs=3, batch_size=5), seed=4, rate=0.25)
    write_option(job, tmp_path)
    register()
    path = f"hydra.searchpath=['file://{tmp_path}']"
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        asked = [*TASK, *model(None), "data.table=x.csv", f"experiment={GROUP}/{job.option}", path]
        cfg = compose("train", asked)
    plain = compose_config(
        [f"strategy={method.strategy}", f"regularizer={method.regularizer}"]
        + [f"strategy.{name}={value}" for name, value in method.options.items()]
    )
    assert cfg.strategy == plain.strategy
    assert cfg.regularizer == plain.regularizer
    assert (cfg.optimizer.lr, cfg.data.train_per_class) == (0.25, 7)
    assert cfg.augmentation.views == 8
    assert (cfg.trainer.epochs, cfg.trainer.batch_size) == (3 * method.lengthening, 5)


def test_option_of_a_solved_head_asks_for_images_as_they_are() -> None:
    probe = next(m for m in METHODS if m.name == "probe_ridge")
    config = Job(probe, AMOUNTS[0], seed=0, rate=None).config()
    assert config["defaults"][0] == {"override /augmentation": "none"}  # type: ignore[index]
    assert (config["augmentation"], config["optimizer"]) == ({}, {})


def test_methods_have_names_of_their_own_and_rates_to_take() -> None:
    by_name = {method.name: method for method in METHODS}
    assert len(by_name) == len(METHODS)
    assert {m.family for m in METHODS if m.name != SCRATCH} == set(FAMILIES)
    for method in METHODS:
        assert not (method.rates and method.rate_of)
        assert not method.rate_of or by_name[method.rate_of].rates
        solves = method.strategy.startswith("probe_")
        assert solves == (not method.rates and not method.rate_of)


def test_best_rate_has_the_best_accuracy_and_the_lower_loss_among_equals() -> None:
    tuning = pd.DataFrame(
        {
            "method": ["norm_only"] * 3 + ["partial"] * 3,
            "lr": [1e-3, 3e-3, 1e-2, 1e-4, 3e-4, 1e-3],
            "test_accuracy": [0.5, 0.7, 0.7, 0.9, 0.8, 0.7],
            "test_loss": [1.0, 0.9, 1.5, 1.0, 1.0, 1.0],
        }
    )
    best = best_rates(tuning)
    assert best == {"norm_only": 3e-3, "partial": 1e-4}
    some = [m for m in METHODS if m.name in ("probe_knn", "ssf", "surgical", "lp_ft")]
    assert rates_of(some, best) == {"ssf": 3e-3, "surgical": 1e-4, "lp_ft": 1e-4}


def final_runs() -> pd.DataFrame:
    rows = [
        {"method": m.name, "labels": a.labels, "seed": s, "test_accuracy": 0.5 + 0.01 * s + i / 100}
        for i, m in enumerate(METHODS)
        for a in AMOUNTS
        for s in range(3)
    ]
    return pd.DataFrame(rows)


def test_table_shows_mean_and_sample_deviation_over_the_seeds() -> None:
    shown = table(final_runs(), {SCRATCH: 3e-3})
    first = shown.iloc[0]
    assert first["method"] == SCRATCH
    assert first["5 labels"] == "0.510 ± 0.010"  # 0.50, 0.51, 0.52
    assert first["learning rate"] == "0.003"
    assert shown["learning rate"][1] == "none"
    assert shown["100 labels"][len(METHODS) - 1] == f"{0.51 + (len(METHODS) - 1) / 100:.3f} ± 0.010"


def test_table_leaves_cells_of_missing_seeds_empty() -> None:
    runs = final_runs()
    some = runs[~((runs["method"] == "lora") & (runs["labels"] == 20) & (runs["seed"] == 2))]
    shown = table(some, {}).set_index("method")
    assert shown.loc["lora", "20 labels"] == ""
    assert shown.loc["lora", "100 labels"] != ""


def test_picture_has_a_panel_per_family_with_every_method_in_one() -> None:
    figure = draw_accuracies(summary(final_runs()))
    assert [axes.get_title() for axes in figure.axes] == list(FAMILIES)
    for axes in figure.axes:
        legend = axes.get_legend()
        assert legend is not None
        names = [text.get_text() for text in legend.get_texts()]
        assert names == [m.name for m in METHODS if m.family == axes.get_title()]
    (shared,) = figure.legends
    assert [text.get_text() for text in shared.get_texts()] == [
        SCRATCH,
        "structure_reuse (all of A)",
    ]


@pytest.mark.slow
def test_jobs_run_on_spark_and_are_not_run_again(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", {"train": 12, "test": 3})
    tables = write_tables(folder, tmp_path, SHARES)
    common = [
        *TASK, *model(None), f"data.root='{folder}'", f"data.table='{tables.target}'",
        f"data.cache='{tmp_path / 'decoded'}'", "backbone=mobilenet_v2", "backbone.weights=null",
        "backbone.image_size=32", "data.val_fraction=0.17", "augmentation.views=2",
    ]  # fmt: skip
    scratch = next(m for m in METHODS if m.name == SCRATCH)
    amount = Amount(labels=2, epochs=1, batch_size=8)
    jobs = [Job(scratch, amount, seed, 0.01) for seed in (3, 4)]
    both = run_jobs(jobs, tmp_path / "sweep", 1, common)
    assert both["seed"].to_list() == [3, 4]
    assert both["test_accuracy"].between(0, 1).all()
    saved = (tmp_path / "sweep").glob("*/config.yaml")
    assert {read_seeds(path) for path in saved} == {(3, 3), (4, 4)}
    never = ["data.root=nowhere"]  # a sweep would fail
    assert run_jobs(jobs, tmp_path / "sweep", 1, never).equals(both)
    assert run_jobs(jobs[1:], tmp_path / "sweep", 1, never)["seed"].to_list() == [4]
    assert set(completed(tmp_path / "sweep").index) == {job.key for job in jobs}


def test_no_jobs_give_an_empty_table(tmp_path: Path) -> None:
    assert run_jobs([], tmp_path, 1, []).empty
    assert results([Job(METHODS[0], AMOUNTS[0], 0, 0.1)], tmp_path).empty
    assert list(tmp_path.iterdir()) == []


def read_seeds(path: Path) -> tuple[int, int]:
    """Return the seeds of a run and of its split."""
    cfg = OmegaConf.load(path)
    return cfg.seed, cfg.data.seed


def test_validation_share_gives_twenty_images_of_each_class() -> None:
    for images in (500, 4250):
        share = float(validation(images).partition("=")[2])
        assert round(images * share) == 20
