"""The examples of docs/sklearn.md run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "sklearn.md"


def test_examples_of_the_page_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S)
    scope: dict[str, Any] = {}
    for block in blocks:
        exec(block, scope)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("{'learning_rate': 0.0")
    assert 0.3 < float(first.rpartition(" ")[2]) <= 1
    assert 0.3 < float(second) <= 1
    assert list(tmp_path.iterdir()) == []
