from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.readme import SMALLER, blocks, check_done, run_command, shortened
from tlx.data.tables.shipped_tables import shipped_tables

OWN = [command for command in SMALLER if command.startswith("python -m tlx.")]
"""The README's commands for which no checkout is needed."""
IN_SECONDS = (
    "python -m tlx.train experiment=regression_transfer",
    "python -m tlx.preview augmentation=standard",
    "python -m tlx.backbones",
)
"""Those that are run in the fast suite too."""
TARGETS = """
from pathlib import Path
import re, sys
from hydra.utils import get_object
import tlx
from tlx.config.choices.paths import conf_dir
for path in sorted(conf_dir().rglob("*.yaml")):
    for name in re.findall(r"^ *(?:_target_|class): (\\S+)$", path.read_text(), re.MULTILINE):
        print(path, name, sys.modules[get_object(name).__module__].__file__)
"""
"""Prints what each file of the configuration makes, and the file that it is imported from."""
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


def test_wheel_carries_configuration_weights_tables_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "tlx/conf/train.yaml" in names
    assert "tlx/py.typed" in names
    shipped = {p.name for p in (ROOT / "tlx" / "backbones" / "shipped").glob("*.safetensors")}
    assert {n.rsplit("/", 1)[-1] for n in names if n.endswith(".safetensors")} == shipped != set()
    tables = {f"tlx/data/tables/shipped/{name}.csv" for name in shipped_tables()}
    assert {name for name in names if name.endswith(".csv")} == tables != set()
    assert not [name for name in names if name.startswith(("tests", "experiments"))]


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


def test_every_target_of_the_configuration_is_in_the_installed_wheel(
    installed: Path, tmp_path: Path
) -> None:
    environment = _environment(PYTHONPATH=str(installed))
    said = _run(sys.executable, "-c", TARGETS, cwd=tmp_path, **environment).splitlines()
    found = [line.split(" ") for line in said]
    assert [words for words in found if not words[2].startswith(f"{installed}/tlx/")] == []
    own = {path.relative_to(ROOT) for path in (ROOT / "conf").rglob("*.yaml")}
    carried = {
        Path("conf") / Path(path).relative_to(installed / "tlx/conf") for path, _, _ in found
    }
    instructions = {p for p in own if re.search("_target_:|class:", (ROOT / p).read_text())}
    assert carried == instructions != set()


def test_configuration_names_no_file_of_the_checkout() -> None:
    values = [
        (path.name, value)
        for path in sorted((ROOT / "conf").rglob("*.yaml"))
        for value in re.findall(r"^[^#\n]*: ([\w./-]+)$", path.read_text(), re.MULTILINE)
        if "/" in value or "." in value
    ]
    assert ("torchvision.yaml", "outputs/data") in values
    there = ("conf", "docs", "experiments", "tests", "tlx")
    assert [(name, value) for name, value in values if value.split("/")[0] in there] == []


@pytest.mark.parametrize(
    "command",
    [pytest.param(c, marks=() if c in IN_SECONDS else pytest.mark.slow) for c in OWN],
    ids=str,
)
def test_readme_command_runs_from_the_installed_wheel_in_an_empty_folder(
    command: str, installed: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    asked = shortened(command, tmp_path)
    done = run_command(asked, empty, _environment(PYTHONPATH=str(installed), COLUMNS="100"))
    check_done(command, done, tmp_path)
    assert {path.name for path in empty.iterdir()} <= {"outputs"}


def test_readme_error_report_is_that_of_the_installed_wheel(
    installed: Path, tmp_path: Path
) -> None:
    command, *report = blocks("text")[0].removeprefix("$ ").splitlines()
    done = run_command(command, tmp_path, _environment(PYTHONPATH=str(installed), COLUMNS="100"))
    assert (done.returncode, done.stderr.splitlines()) == (2, report)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_readme_python_example_runs_from_the_installed_wheel(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "photos" / "one.png")
    (example,) = blocks("python")
    script = (
        example.replace("epochs=5", "epochs=1") + "print(accuracy, predictions['error'].isna())"
    )
    environment = _environment(PYTHONPATH=str(installed))
    assert "True" in _run(sys.executable, "-c", script, cwd=tmp_path, **environment)
    assert {path.name for path in tmp_path.iterdir()} == {"outputs", "photos"}
