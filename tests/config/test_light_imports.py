"""Questions about the command line are answered without loading what computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import environment_for_tlx
from tlx.config.choices.paths import conf_dir

HEAVY = (
    "matplotlib", "pandas", "pyspark", "pytorch_lightning", "scipy", "sklearn", "torch",
    "torchmetrics", "torchvision",
)  # fmt: skip
DRIVER = """
import sys
from tlx.{module} import main
try:
    main()
finally:
    loaded = [name for name in {heavy!r} if name in sys.modules]
    print("loaded:", *loaded, file=sys.stderr)
"""


def asked(module: str, *arguments: str, cwd: Path, **environment: str) -> tuple[str, str]:
    """Return what a command prints, and which heavy packages it has loaded by then."""
    driver = DRIVER.format(module=module, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", driver, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment_for_tlx() | environment,
        check=True,
    )
    return done.stdout, done.stderr.splitlines()[-1]


@pytest.mark.parametrize("module", ["train", "pretrain"])
def test_help_loads_nothing_heavy(module: str, tmp_path: Path) -> None:
    page, loaded = asked(module, "--help", cwd=tmp_path)
    assert f"Usage: python -m tlx.{module} " in page
    assert loaded == "loaded:"


def test_cfg_job_prints_the_configuration_and_loads_nothing_heavy(tmp_path: Path) -> None:
    shown, loaded = asked("train", "strategy=partial", "--cfg", "job", cwd=tmp_path)
    assert "strategy:\n  _target_: tlx.strategies.fine_tuning.partial.Partial\n" in shown
    assert "\nhydra:" not in shown
    assert loaded == "loaded:"
    assert list(tmp_path.iterdir()) == []


def test_pretrain_cfg_job_shows_its_defaults(tmp_path: Path) -> None:
    shown, loaded = asked("pretrain", "--cfg", "job", "seed=3", cwd=tmp_path)
    assert "_target_: tlx.data.synthetic.glyphs.Glyphs" in shown
    assert "seed: 3" in shown
    assert loaded == "loaded:"


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("tlx-train strategy=", {f"strategy={path.stem}" for path in
                                 (conf_dir() / "strategy").glob("*.yaml")}),
        ("tlx-train backbone=resnet1", {"backbone=resnet101", "backbone=resnet152",
                                        "backbone=resnet18"}),
        ("tlx-train strat", {"strategy=", "strategy."}),
        ("tlx-train 'zip(seed=[1,2],trainer.epochs=[1, 2])' strat", {"strategy=", "strategy."}),
    ],
)  # fmt: skip
def test_shell_completion_offers_options_and_loads_nothing_heavy(
    line: str, offered: set[str], tmp_path: Path
) -> None:
    point = str(len(line))
    environment = {"COMP_LINE": line, "COMP_POINT": point}
    words, loaded = asked("train", "-sc", "query=bash", cwd=tmp_path, **environment)
    assert set(words.split()) == offered
    assert loaded == "loaded:"
    assert list(tmp_path.iterdir()) == []


def test_wrong_words_are_found_without_loading_lightning_in_cfg_job(tmp_path: Path) -> None:
    driver = DRIVER.format(module="train", heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", driver, "--cfg", "job", "strategy=partail"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment_for_tlx(),
        check=False,
    )
    assert done.returncode == 1
    assert "Could not find 'strategy/partail'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith("loaded:\n")


def test_import_of_the_scikit_learn_estimators_loads_no_torch_spark_or_lightning() -> None:
    asked = "import sys, tlx.sklearn; print(*[n for n in {heavy} if n in sys.modules])"
    heavy = [name for name in HEAVY if name not in ("sklearn", "scipy", "pandas")]
    done = subprocess.run(
        [sys.executable, "-c", asked.format(heavy=heavy)],
        capture_output=True,
        text=True,
        env=environment_for_tlx(),
        check=True,
    )
    assert done.stdout == "\n"
