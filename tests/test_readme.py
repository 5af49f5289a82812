"""The README's promises: its length, and that each of its commands does what it says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.tiny import environment_for_tlx, result_of, run_tiny

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()

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
        f"data.path={ROOT}/experiments/regression_transfer/target.csv",
        f"experiment.source={ROOT}/experiments/regression_transfer/source.csv",
        "experiment.seeds=[0]", "experiment.source_epochs=2", "experiment.scratch_epochs=2",
        "trainer.epochs=1", "trainer.threads=1",
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


def _commands() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", README, re.S)
    found = [
        c.strip() for block in blocks for line in block.splitlines() for c in re.split("&&|;", line)
    ]
    return [c.replace(".venv/bin/", "") for c in found if "python -m" in c]


def test_readme_has_at_most_900_words() -> None:
    assert len(README.split()) <= 900


def test_readme_opens_with_the_two_commands() -> None:
    first, second = re.findall(r"```bash\n(.*?)```", README, re.S)[:2]
    assert first.strip() == (
        "python3 -m venv .venv && .venv/bin/pip install -e . && "
        ".venv/bin/python -m tlx.train strategy=partial"
    )
    assert "pip install -e '.[dev]' && .venv/bin/pytest" in second
    assert README.index(second) < README.index("## ")


def test_ci_runs_the_readmes_test_command() -> None:
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def test_readme_commands_are_all_known_here() -> None:
    assert set(_commands()) == set(SMALLER)


def test_readme_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "photos" / "one.png")
    scope: dict[str, Any] = {}
    exec(example.replace("epochs=5", "epochs=1"), scope)
    assert 0 < scope["accuracy"] <= 1
    assert scope["answers"]["error"].isna().tolist() == [True]
    (folder,) = (tmp_path / "outputs").glob("*/*/result.json")
    assert result_of(folder.parent)["status"] == "completed"


def test_readme_shows_the_error_report_as_it_is(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```text\n\$ (.*?)```", README, re.S)
    command, *report = shown.splitlines()
    done = _run(command, tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == report


@pytest.mark.parametrize("command", SMALLER, ids=str)
def test_readme_command_does_its_work(command: str, tmp_path: Path) -> None:
    run = tmp_path / "RUN"
    if "SWEEP" in command:
        run_tiny(tmp_path / "SWEEP" / "0")
    if "RUN" in command:
        run_tiny(run)
        if "resume" in command:
            text = (run / "result.json").read_text().replace('"completed"', '"running"')
            (run / "result.json").write_text(text)
    places = {"RECORD": str(tmp_path / "record.csv"), "OUTPUT": str(tmp_path / "experiment")}
    more = [places.get(word, word) for word in SMALLER[command]]
    done = _run(
        shlex.join(
            [
                *shlex.split(
                    command.replace("RUN", str(run)).replace("SWEEP", str(tmp_path / "SWEEP"))
                ),
                *more,
            ]
        ),
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if command.startswith("python -m tlx.train") and "--help" not in command:
        results = list(tmp_path.rglob("result.json"))
        assert results
        assert {result_of(path.parent)["status"] for path in results} == {"completed"}


def _run(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    assert words[0] == "python"
    return subprocess.run(
        [sys.executable, *words[1:]],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=environment_for_tlx(),
        check=False,
    )
