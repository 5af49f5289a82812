from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from tlx.objectives.classification_scores import ClassificationScores, classification_scores
from tlx.reports.console import RunHeader, count, run_header, scores_table

HEADER = RunHeader(
    backbone="resnet18",
    weights="torchvision IMAGENET1K_V1",
    backbone_parameters=11_176_512,
    task="digits",
    classes=10,
    train_images=1000,
    val_images=200,
    test_images=597,
    strategy="partial: trains the last 2 of 4 stages and the head",
    trained_parameters=8_398_858,
    total_parameters=11_181_642,
    device="cpu",
    threads=1,
    precision="32-true",
    epochs=30,
    batch_size=64,
    optimizer="adamw",
    learning_rate=3e-4,
    seed=0,
    run_folder="runs/digits/partial/0",
)


def _scores(names: list[str]) -> ClassificationScores:
    probabilities = torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    return classification_scores(probabilities, torch.tensor([0, 1, 1]), names)


def test_run_header_plain_is_exact() -> None:
    assert run_header(HEADER) == (
        "model A     resnet18, torchvision IMAGENET1K_V1, 11.2 M parameters\n"
        "task B      digits, 10 classes\n"
        "images      1,000 train, 200 val, 597 test\n"
        "strategy    partial: trains the last 2 of 4 stages and the head\n"
        "parameters  8.40 M trained of 11.2 M (75.1 %)\n"
        "device      cpu, 1 thread, precision 32-true\n"
        "training    30 epochs, batch size 64, adamw, learning rate 0.0003, seed 0\n"
        "run folder  runs/digits/partial/0\n"
    )


def test_run_header_long_path_is_folded_at_100_columns_and_complete() -> None:
    path = "/scratch/" + "x" * 150
    text = run_header(replace(HEADER, run_folder=path))
    assert max(map(len, text.splitlines())) <= 100
    folded = text.split("run folder")[1]
    assert "".join(folded.split()) == path


def test_run_header_colour_adds_only_escapes() -> None:
    coloured = run_header(HEADER, colour=True)
    assert "\x1b[1m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == run_header(HEADER)


def test_run_header_environment_forcing_colour_stays_plain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    text = run_header(HEADER)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 8


def test_scores_table_plain_is_exact() -> None:
    assert scores_table(_scores(["cat", "dog", "[red]owl"])).splitlines() == [
        "test, 3 images             score",
        "────────────────────────────────",
        "accuracy                  0.6667",
        "balanced accuracy         0.7500",
        "macro precision           1.0000",
        "macro recall              0.7500",
        "macro F1                  0.8333",
        "calibration error (ECE)   0.1333",
        "loss (nats)               0.9163",
        "",
        "class      precision   recall       F1   images",
        "───────────────────────────────────────────────",
        "cat           1.0000   1.0000   1.0000        1",
        "dog           1.0000   0.5000   0.6667        2",
        "[red]owl      0.0000   0.0000   0.0000        0",
    ]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "ANSI_X3.4-1968"])
def test_scores_table_narrow_encoding_is_writable_and_aligned(encoding: str) -> None:
    text = scores_table(_scores(["Größe", "猫", "dog"]), encoding=encoding)
    assert text.encode(encoding).decode(encoding) == text
    rows = text.splitlines()[10:]
    assert len({len(row) for row in rows}) == 1
    assert "\\u732b" in text
    assert ("Größe" in text) == (encoding in ("latin-1", "cp1252"))


def test_scores_table_escape_in_class_name_is_not_passed_on() -> None:
    text = scores_table(_scores(["\x1b[31mcat", "two\nlines", "dog"]))
    assert r"\x1b[31mcat" in text
    assert r"two\nlines" in text
    assert "\x1b" not in text


def test_scores_table_long_class_name_is_complete_within_100_columns() -> None:
    text = scores_table(_scores(["x" * 120, "dog", "owl"]))
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("x") == 120


def test_scores_table_many_classes_lists_the_worst() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60).repeat(4)
    probabilities = (torch.randn(240, 60, generator=generator)).softmax(dim=1)
    probabilities[labels >= 3] = torch.eye(60)[labels[labels >= 3]]
    names = [f"class {index}" for index in range(60)]
    scores = classification_scores(probabilities, labels, names)
    text = scores_table(scores, max_classes=3)
    assert set(re.findall(r"^class \d+", text, flags=re.MULTILINE)) == {
        "class 0",
        "class 1",
        "class 2",
    }
    assert text.endswith("the 3 classes of lowest F1, out of 60\n")
    assert "lowest" not in scores_table(scores, max_classes=60)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (1520, "1.52 k"),
        (9999, "10.0 k"),
        (99_950, "100 k"),
        (999_499, "999 k"),
        (999_500, "1.00 M"),
        (1_523_456, "1.52 M"),
        (11_689_512, "11.7 M"),
        (86_567_656, "86.6 M"),
        (1_200_000_000, "1.20 B"),
    ],
)
def test_count_any_size_has_three_digits(number: int, text: str) -> None:
    assert count(number) == text


def test_console_module_leaves_torch_unloaded() -> None:
    code = "import sys, tlx.reports.console; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
