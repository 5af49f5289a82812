from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=environment or None, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder))
    _run(sys.executable, *build, cwd=ROOT, **_environment())
    (path,) = folder.glob("tlx-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("elsewhere")
    install = ("-m", "pip", "install", "--no-deps", "--target", str(target), str(wheel))
    _run(sys.executable, *install, cwd=target, **_environment())
    return target


def _environment(**more: str) -> dict[str, str]:
    import os

    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | more


def test_wheel_carries_configuration_weights_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "tlx/conf/train.yaml" in names
    assert "tlx/py.typed" in names
    shipped = {p.name for p in (ROOT / "tlx" / "backbones" / "shipped").glob("*.safetensors")}
    assert {n.rsplit("/", 1)[-1] for n in names if n.endswith(".safetensors")} == shipped != set()
    assert not [name for name in names if name.startswith("tests")]


def test_installed_wheel_prints_its_configuration_from_any_folder(
    installed: Path, tmp_path: Path
) -> None:
    environment = _environment(PYTHONPATH=str(installed))
    where = ("-c", "import tlx; print(tlx.__file__)")
    assert str(installed) in _run(sys.executable, *where, cwd=tmp_path, **environment)
    script = str(installed / "bin" / "tlx-train")
    by_script = _run(script, "--cfg", "job", "strategy=partial", cwd=tmp_path, **environment)
    by_module = _run(
        sys.executable, "-m", "tlx.train", "--cfg", "job", "strategy=partial",
        cwd=tmp_path, **environment,
    )  # fmt: skip
    assert by_script == by_module
    assert "_target_: tlx.strategies.fine_tuning.partial.Partial" in by_script
    assert list(tmp_path.iterdir()) == []


def test_installed_wheel_runs_the_main_job_from_any_folder(installed: Path, tmp_path: Path) -> None:
    environment = _environment(PYTHONPATH=str(installed))
    script = str(installed / "bin" / "tlx-train")
    arguments = ("strategy=feature_extraction", "trainer.epochs=1", "hydra.run.dir=run")
    said = _run(script, *arguments, cwd=tmp_path, **environment)
    assert "run folder: " in said
    assert (tmp_path / "run" / "model.safetensors").is_file()
