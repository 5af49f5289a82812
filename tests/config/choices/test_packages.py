"""Methods from outside tlx: of an installed package, and of a configuration folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tiny import TINY, command, environment_for_tlx, result_of

LOSSES = """
from tlx.optimization.losses import CrossEntropy

class Sharp(CrossEntropy):
    def __init__(
        self, *, sharpness: float = 2.0, label_smoothing: float = 0.0, class_weights: str = "none"
    ) -> None:
        super().__init__(label_smoothing=label_smoothing, class_weights=class_weights)
        self.sharpness = sharpness
"""
WORDS = (*TINY, "loss=sharp", "loss.sharpness=3", "trainer.epochs=1", "hydra.run.dir=run")
NOT_FOUND = (
    "choices.loss=sharp: no installed loss has this name. Where a configuration folder has it, "
    "give the folder again with --config-dir FOLDER; where a package has it, install that. "
    "Choose from: cross_entropy, huber, mae, mse."
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package that can be imported, and is not installed yet; returns where it lies."""
    site = tmp_path / "site"
    (site / "my_package/conf/loss").mkdir(parents=True)
    (site / "my_package/__init__.py").touch()
    (site / "my_package/losses.py").write_text(LOSSES)
    node = "# mine\n_target_: my_package.losses.Sharp\nlabel_smoothing: 0.0\nsharpness: 2.0\n"
    (site / "my_package/conf/loss/sharp.yaml").write_text(node + "class_weights: none\n")
    return site


def install(site: Path, value: str = "my_package.conf") -> None:
    """Write what pip leaves beside a package."""
    about = site / "my_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[tlx.configs]\nmine = {value}\n")


def asked(module: str, *words: str, cwd: Path, site: Path | None) -> Any:
    paths = [environment_for_tlx()["PYTHONPATH"], *([str(site)] if site else [])]
    return command(module, *words, cwd=cwd, PYTHONPATH=":".join(paths))


def killed(folder: Path) -> None:
    """Make a run look as if it had been stopped."""
    content = result_of(folder) | {"status": "failed"}
    (folder / "result.json").write_text(json.dumps(content))


@pytest.mark.slow
def test_option_of_an_installed_package_is_one_like_any_other(
    package: Path, tmp_path: Path
) -> None:
    install(package)
    page = asked("tlx.train", "--help", cwd=tmp_path, site=package).stdout
    assert "     sharp                mine\n" in page
    done = asked("tlx.train", *WORDS, cwd=tmp_path, site=package)
    assert done.returncode == 0, done.stderr
    kept = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert kept["choices"]["loss"] == "sharp"
    assert kept["loss"] == {"label_smoothing": 0.0, "sharpness": 3, "class_weights": "none"}
    scored = asked("tlx.evaluate", "run", cwd=tmp_path, site=package)
    assert scored.returncode == 0, scored.stderr
    without = asked("tlx.evaluate", "run", cwd=tmp_path, site=None)
    assert (without.returncode, without.stderr) == (1, f"tlx.evaluate: {NOT_FOUND}\n")


@pytest.mark.slow
def test_option_of_a_configuration_folder_is_given_again_with_the_folder(
    package: Path, tmp_path: Path
) -> None:
    folder = ("--config-dir", str(package / "my_package/conf"))
    done = asked("tlx.train", *WORDS, *folder, cwd=tmp_path, site=package)
    assert done.returncode == 0, done.stderr
    killed(tmp_path / "run")
    without = asked("tlx.train", "resume=run", cwd=tmp_path, site=package)
    assert without.returncode == 2
    assert without.stderr.splitlines()[1:] == [f"  - {NOT_FOUND}"]
    again = asked("tlx.train", "resume=run", *folder, cwd=tmp_path, site=package)
    assert again.returncode == 0, again.stderr
    assert result_of(tmp_path / "run")["status"] == "completed"
    scored = asked("tlx.evaluate", "run", *folder, cwd=tmp_path, site=package)
    assert scored.returncode == 0, scored.stderr


def test_package_with_a_name_that_is_taken_is_refused(package: Path, tmp_path: Path) -> None:
    install(package)
    (package / "my_package/conf/loss/sharp.yaml").rename(package / "my_package/conf/loss/mse.yaml")
    done = asked("tlx.train", "seed=1", cwd=tmp_path, site=package)
    assert (done.returncode, done.stderr) == (
        1,
        "tlx.train: the installed package mine has loss=mse, which is taken. Rename "
        "loss/mse.yaml there, or uninstall it.\n",
    )


def test_package_that_names_no_folder_is_refused(package: Path, tmp_path: Path) -> None:
    install(package, "my_package.nowhere")
    done = asked("tlx.train", "seed=1", cwd=tmp_path, site=package)
    assert done.returncode == 1
    assert done.stderr == (
        "tlx.train: the entry point mine = 'my_package.nowhere' of the group tlx.configs names no "
        "folder of an installed package. Correct or uninstall its package.\n"
    )
