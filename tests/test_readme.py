"""The README's promises: its length, and that each of its commands does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.readme import README, SMALLER, blocks, check_done, commands, run_command, shortened
from tests.tiny import environment_for_tlx, result_of

ROOT = Path(__file__).resolve().parent.parent


def test_readme_has_at_most_900_words() -> None:
    assert len(README.split()) <= 900


def test_readme_opens_with_the_two_commands() -> None:
    first, second = blocks("bash")[:2]
    assert first.strip() == (
        "python3 -m venv .venv && .venv/bin/pip install -e . && "
        ".venv/bin/python -m tlx.train strategy=partial"
    )
    assert "pip install -e '.[dev]' && .venv/bin/pytest" in second
    assert README.index(second) < README.index("## ")


def test_ci_runs_the_readmes_test_command() -> None:
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def test_readme_commands_are_all_known_here() -> None:
    assert set(commands()) == set(SMALLER)


def test_readme_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("python")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "photos" / "one.png")
    scope: dict[str, Any] = {}
    exec(example.replace("epochs=5", "epochs=1"), scope)
    assert 0 < scope["accuracy"] <= 1
    assert scope["predictions"]["error"].isna().tolist() == [True]
    (folder,) = (tmp_path / "outputs").glob("*/*/result.json")
    assert result_of(folder.parent)["status"] == "completed"


def test_readme_shows_the_error_report_as_it_is(tmp_path: Path) -> None:
    (shown,) = blocks("text")
    command, *report = shown.removeprefix("$ ").splitlines()
    done = run_command(command, tmp_path, environment_for_tlx())
    assert done.returncode == 2
    assert done.stderr.splitlines() == report


# Of these, others tell the same sooner: the wheel's tests and those of the experiments.
LONG = (
    "python -m experiments.digits_fewshot",
    "python -m tlx.train experiment=regression_transfer",
)


@pytest.mark.parametrize(
    "command",
    [pytest.param(c, marks=pytest.mark.slow if c in LONG else ()) for c in SMALLER],
    ids=str,
)
def test_readme_command_does_its_work(command: str, tmp_path: Path) -> None:
    done = run_command(shortened(command, tmp_path), tmp_path, environment_for_tlx())
    check_done(command, done, tmp_path)
