"""The Python that the documents show runs as it stands, in an empty folder."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hydra._internal.utils import get_args_parser

from tlx.config.choices.registration import register
from tlx.config.pairing.sweeper import PairingSweeper
from tlx.config.pairing.zip_word import unzipped
from tlx.config.preflight import preflight

DOCS = Path(__file__).resolve().parent.parent / "docs"


def snippets(text: str) -> str:
    """Return the Python of a document as one program."""
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))


PROGRAMS = {p.name: snippets(p.read_text()) for p in sorted(DOCS.glob("*.md"))}
SHOWN = [name for name, program in PROGRAMS.items() if program]


def test_documents_with_python_are_found() -> None:
    assert "python.md" in SHOWN


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n == "sklearn.md" else ()) for n in SHOWN],
)
def test_python_of_a_document_runs_in_an_empty_folder(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[name]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if name == "python.md":
        assert re.search(r"^outputs/\S+ 0\.\d+$", done.stdout, re.M)
        assert re.search(r"^completed 2 \d+ test images are read", done.stdout, re.M)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_links_of_a_document_lead_somewhere(name: str) -> None:
    found = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (DOCS / name).read_text())
    assert [link for link in found if not (DOCS / link).exists()] == []


def commands(name: str) -> list[list[str]]:
    """Return the words of each `tlx.train` that a document's bash blocks show."""
    blocks = re.findall(r"```bash\n(.*?)```", (DOCS / name).read_text(), re.S)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    return [words[3:] for words in lines if words[:3] == ["python", "-m", "tlx.train"]]


SWEEPS = [words for words in commands("sweeps.md") if not any("resume=" in one for one in words)]


@pytest.mark.parametrize("words", SWEEPS, ids=" ".join)
def test_sweeps_of_the_document_pass_the_checks(words: list[str]) -> None:
    register()
    preflight(get_args_parser().parse_args(words))


def test_sweep_of_the_document_has_the_jobs_that_it_shows() -> None:
    shown = re.findall(
        r"^\| (\d) \| (\S+) \| (\d+) \| (\d) \|$", (DOCS / "sweeps.md").read_text(), re.M
    )
    words = unzipped(SWEEPS[1]).words
    *typed, pairs = [word for word in words if word != "-m"]
    assert pairs == "hydra.sweeper.pairs=[[optimizer.lr,trainer.epochs]]"
    (jobs,) = PairingSweeper(pairs=[["optimizer.lr", "trainer.epochs"]]).batches(typed)
    assert jobs == [
        [f"optimizer.lr={lr}", f"trainer.epochs={epochs}", f"seed={seed}"]
        for _, lr, epochs, seed in shown
    ]
