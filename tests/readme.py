"""The README's commands, and what makes each small enough for a test."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.tiny import result_of, run_tiny

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")

# What is added to a command so that it takes seconds: fewer images and epochs, nothing else.
QUICK = ("trainer.epochs=1", "trainer.threads=1", "data.test_fraction=0.1")
QUICK_GLYPHS = (
    "trainer.epochs=1",
    "data.train_size=300",
    "data.val_size=100",
    "data.test_size=100",
)
SMALLER = {
    "python -m tlx.train strategy=partial": QUICK,
    "python -m tlx.train --help": (),
    "python -m tlx.train strategy=feature_extraction data.train_per_class=5": QUICK,
    "python -m tlx.train -m strategy=feature_extraction,partial seed=0,1,2": (*QUICK, "seed=0,1"),
    # Its own weights would be downloaded, so here it starts without.
    "python -m tlx.train backbone=resnet18 strategy=partial strategy.train_stages=layer4": (
        *QUICK,
        "backbone.weights=null",
        "backbone.image_size=32",
    ),
    "python -m tlx.train -m hydra/launcher=spark strategy=feature_extraction,partial "
    "optimizer.lr=1e-3,1e-2": (*QUICK, "optimizer.lr=1e-3"),
    "python -m tlx.sweep SWEEP": (),
    "python -m tlx.train resume=RUN": (),
    "python -m tlx.evaluate RUN": (),
    "python -m tlx.preview augmentation=standard": ("--images", "2"),
    "python -m tlx.train experiment=regression_transfer": (
        "experiment.seeds=[0]",
        "experiment.source_epochs=2",
        "experiment.scratch_epochs=2",
        "trainer.epochs=1",
        "trainer.threads=1",
    ),
    "python -m tlx.doctor": (),
    "python -m tlx.activations ls": (),
    "python -m tlx.backbones": (),
    "python -m tlx.backbones resnet50": (),
    "python -m tlx.pretrain data=glyphs backbone=squeezenet1_1": QUICK_GLYPHS,
    "python -m experiments.digits_fewshot": (
        "--seeds", "0", "1", "--record", "RECORD", "--output", "OUTPUT", "--", *QUICK,
    ),
}  # fmt: skip


def blocks(language: str) -> list[str]:
    """Return the README's blocks of a language (`bash`, `python`, `text`), in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    """Return the README's commands that run Python modules."""
    found = [
        command.strip()
        for block in blocks("bash")
        for line in block.splitlines()
        for command in re.split("&&|;", line)
    ]
    return [c.replace(".venv/bin/", "") for c in found if "python -m" in c]


def shortened(command: str, place: Path) -> str:
    """Return a command as a test runs it, once what it works on is there.

    Args:
        command: As the README has it.
        place: Takes the run and the sweep that it speaks of, and what it writes elsewhere.
    """
    run, sweep = place / "RUN", place / "SWEEP"
    if "SWEEP" in command:
        run_tiny(sweep / "0")
    if "RUN" in command:
        run_tiny(run)
        if "resume" in command:
            text = (run / "result.json").read_text().replace('"completed"', '"running"')
            (run / "result.json").write_text(text)
    places = {"RECORD": str(place / "record.csv"), "OUTPUT": str(place / "experiment")}
    words = command.replace("RUN", str(run)).replace("SWEEP", str(sweep)).split()
    return shlex.join([*words, *(places.get(word, word) for word in SMALLER[command])])


def run_command(
    command: str, cwd: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command of Python's, written `python -m ...`, in a process of its own."""
    python, *words = shlex.split(command)
    assert python == "python"
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def check_done(command: str, done: subprocess.CompletedProcess[str], *folders: Path) -> None:
    """Check that a command of the README did its work.

    Args:
        command: As the README has it.
        done: How it ended.
        folders: Where its runs may lie.
    """
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if command.startswith("python -m tlx.train") and "--help" not in command:
        results = [path for folder in folders for path in folder.rglob("result.json")]
        assert results
        assert {result_of(path.parent)["status"] for path in results} == {"completed"}
