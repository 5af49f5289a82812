"""The Python that the documents show runs as it stands, in an empty folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"


def snippets(text: str) -> str:
    """Return the Python of a document as one program."""
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))


PROGRAMS = {p.name: snippets(p.read_text()) for p in sorted(DOCS.glob("*.md"))}
SHOWN = [name for name, program in PROGRAMS.items() if program]


def test_documents_with_python_are_found() -> None:
    assert "python.md" in SHOWN


@pytest.mark.parametrize("name", SHOWN)
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
