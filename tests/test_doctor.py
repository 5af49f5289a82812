from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import environment_for_tlx

LOOKED_AT = (
    "python", "tlx", "torch", "pytorch-lightning", "hydra-core", "pyspark", "device", "java",
    "outputs", "disk", "memory", "cached weights", "extra export",
)  # fmt: skip


def doctor(cwd: Path, *arguments: str, first_on_path: Path | None = None) -> tuple[int, list[str]]:
    environment = environment_for_tlx()
    if first_on_path is not None:
        environment["PYTHONPATH"] = f"{first_on_path}:{environment['PYTHONPATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "tlx.doctor", *arguments],
        capture_output=True, text=True, cwd=cwd, env=environment, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.splitlines()


def test_doctor_of_this_machine_finds_all_fine(tmp_path: Path) -> None:
    status, lines = doctor(tmp_path)
    assert status == 0
    assert lines[-1] == "All that tlx needs is there."
    assert {line.split()[0] for line in lines[:-1]} <= {"fine", "optional"}
    for name in LOOKED_AT:
        assert any(line[10:].startswith(name) for line in lines), name
    for line in lines[:-1]:
        assert line.startswith("fine") or line.endswith(".")  # a sentence of what to do
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise OSError('libcudart.so: cannot open')", "(OSError: libcudart.so: cannot open)"),
        ("import os; os.abort()", "(the import ended its process with status -6)"),
    ],
)
def test_doctor_stays_useful_where_torch_is_broken(code: str, reason: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    (broken / "torch").mkdir(parents=True)
    (broken / "torch" / "__init__.py").write_text(code)
    (tmp_path / "file").touch()
    status, lines = doctor(tmp_path, "--outputs", "file/outputs", first_on_path=broken)
    assert status == 1
    (torch,) = (line for line in lines if line[10:].startswith("torch "))
    assert reason in torch
    assert "Run pip install --force-reinstall 'torch==" in torch
    (vision,) = (line for line in lines if line[10:].startswith("torchvision "))
    assert "Mend torch first" in vision
    assert any(line.startswith("fine      pandas") for line in lines)
    assert any(line.startswith("broken    outputs") for line in lines)
    assert lines[-1].startswith("Broken: torch, torchvision, ")


def test_doctor_help_loads_nothing_heavy(tmp_path: Path) -> None:
    status, lines = doctor(tmp_path, "--help")
    assert status == 0
    assert lines[0].startswith("usage: python -m tlx.doctor")
    code = "import sys, tlx.doctor; print([m for m in ('torch', 'rich') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment_for_tlx(),
        check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"
