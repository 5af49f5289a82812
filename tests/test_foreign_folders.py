"""Folders as a stranger would make them, handed to the real commands: none of them runs code."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tiny import TINY, command
from tlx.config.composition import compose_config
from tlx.config.stored.record import config_text
from tlx.runs.result import Result
from tlx.runs.stored import yaml_text

SECRET = "hunter2-hunter2"


class Payload:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that appears where a payload runs."""
    return tmp_path / "mark"


@pytest.fixture
def payload(tmp_path: Path, mark: Path) -> dict[str, Any]:
    """A node that loads a pickle wherever Hydra's `instantiate` would meet it."""
    path = tmp_path / "payload.pkl"
    path.write_bytes(pickle.dumps(Payload(mark)))
    pickle.loads(path.read_bytes())
    assert mark.exists(), "the payload would work"
    mark.unlink()
    loads = {"_target_": "pandas.read_pickle", "filepath_or_buffer": str(path)}
    return {"_target_": "json.dumps", "obj": 1, "default": loads}


def foreign_run(folder: Path, status: Any, **groups: Any) -> Path:
    """Write a run's folder with something else in its configuration."""
    folder.mkdir()
    content = yaml.safe_load(config_text(compose_config(TINY)))
    for group, value in groups.items():
        content[group] = content[group] | value if isinstance(value, dict) else value
    (folder / "config.yaml").write_text(yaml_text(content))
    Result(status=status).write(folder)
    return folder


def foreign_sweep(folder: Path, *arguments: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "sweep.json").write_text(json.dumps({"format": 1, "arguments": list(arguments)}))
    return folder


def test_run_of_a_stranger_runs_no_code_and_shows_no_secret(
    tmp_path: Path, mark: Path, payload: dict[str, Any]
) -> None:
    run = foreign_run(
        tmp_path / "run",
        "failed",
        loss={"label_smoothing": payload, "_target_": "os.system"},
        data={"classes": [[payload]]},
        seed="${oc.env:SECRET}",
    )
    done = command("tlx.train", f"resume={run}", cwd=tmp_path, SECRET=SECRET)
    assert done.returncode == 2
    assert done.stderr == (
        "tlx.train: 1 fault in what you asked for, nothing was started:\n"
        "  - loss._target_=os.system: only the file of an installed option says what to make, "
        "options are plain values. Leave it out; docs/extending.md tells how methods of your own "
        "become options.\n"
    )
    assert not mark.exists()
    assert not (run / "train.log").exists()


def test_evaluated_run_of_a_stranger_runs_no_code_and_shows_no_secret(
    tmp_path: Path, mark: Path, payload: dict[str, Any]
) -> None:
    run = foreign_run(
        tmp_path / "run",
        "completed",
        loss={"label_smoothing": payload},
        data={"classes": [[payload]]},
        seed="${oc.env:SECRET}",
    )
    done = command("tlx.evaluate", str(run), cwd=tmp_path, SECRET=SECRET)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = done.stderr.removeprefix("tlx.evaluate: ").splitlines()
    assert lines[0].startswith("seed=${oc.env:SECRET}: must be a valid integer, ")
    assert lines[1].startswith("data.classes[0][0]._target_=[[{")
    assert lines[3].startswith("loss.label_smoothing._target_={")
    assert SECRET not in done.stderr + done.stdout
    assert not mark.exists()


def test_sweep_of_a_stranger_runs_no_code_and_shows_no_secret(
    tmp_path: Path, mark: Path, payload: dict[str, Any]
) -> None:
    loads = payload["default"]
    file = loads["filepath_or_buffer"]
    sweep = foreign_sweep(
        tmp_path / "sweep",
        f"+hydra.callbacks.x={{_target_: pandas.read_pickle, filepath_or_buffer: '{file}'}}",
        f"hydra.searchpath=['{tmp_path}']",
        "hydra.job_logging.handlers.console.class=os.system",
        "hydra/launcher=evil",
        "hydra.launcher.preload=[evil]",
        "hydra.sweeper.params={seed: '{_target_: x}'}",
        "data.root=${oc.env:SECRET}",
        "seed=0,1",
    )
    done = command("tlx.train", f"resume={sweep}", cwd=tmp_path, SECRET=SECRET)
    again, whole = (
        "Type it again beside resume=SWEEP if you want it.",
        "Give the sweep's whole command again, with hydra.sweep.dir=SWEEP.",
    )
    assert done.returncode == 2
    assert done.stderr == (
        "tlx.train: 7 faults in what you asked for, nothing was started:\n"
        "  - hydra.callbacks.x={_target_: pandas.read_pickle, filepath_or_buffer: "
        f"'{file}'}}: sweep.json may not say what to make. {whole}\n"
        f"  - hydra.searchpath=['{tmp_path}']: sweep.json may not set this of Hydra. {again}\n"
        "  - hydra.job_logging.handlers.console.class=os.system: sweep.json may not set this of "
        f"Hydra. {again}\n"
        f"  - hydra/launcher=evil: sweep.json may only choose basic, spark, debug. {again}\n"
        f"  - hydra.launcher.preload=['evil']: sweep.json may not set this value. {again}\n"
        "  - hydra.sweeper.params.seed={_target_: x}: sweep.json may not set this value. "
        f"{again}\n"
        "  - data.root=${oc.env:SECRET}: sweep.json may not fill in references. "
        f"{whole}\n"
    )
    assert not mark.exists()
    assert sorted(path.name for path in sweep.iterdir()) == ["sweep.json"]


@pytest.mark.parametrize("name", ["q'uote", "a, b=c {d}", "back\\slash", "ün icode"])
def test_sweep_goes_on_in_a_folder_of_an_odd_name(name: str, tmp_path: Path) -> None:
    sweep = foreign_sweep(tmp_path / name, "data.train_per_class=-1", "seed=0,1")
    done = command("tlx.train", f"resume={sweep}", cwd=tmp_path)
    # The folder was read as it is: what is left is the fault that was put in.
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("tlx.train: 1 fault in what you asked for")
    assert "data.train_per_class=-1: " in done.stderr


def test_sweep_in_a_folder_that_hydra_would_read_as_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()  # libraries keep files of their own there
    sweep = foreign_sweep(tmp_path / "do${oc.env:HOME}llar", *TINY, "seed=0,1")
    done = command("tlx.train", f"resume={sweep}", cwd=tmp_path, HOME=str(tmp_path / "home"))
    assert done.returncode == 2
    assert done.stderr == (
        "tlx.train: 1 fault in what you asked for, nothing was started:\n"
        f"  - hydra.sweep.dir={sweep}: Hydra takes ${{...}} in the path of a folder that it writes "
        "to for a reference, and would write elsewhere. Give another folder: "
        "hydra.sweep.dir=FOLDER.\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [sweep.name, "home"]
    assert not list((tmp_path / "home").rglob("result.json"))


def test_sweep_of_a_stranger_with_a_linked_log_writes_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine\n")
    sweep = foreign_sweep(tmp_path / "sweep", *TINY, "seed=0,1")
    (sweep / "0").mkdir()
    (sweep / "0/train.log").symlink_to(tmp_path / "victim")
    done = command("tlx.train", f"resume={sweep}", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "tlx.train: 1 fault in what you asked for, nothing was started:\n"
        f"  - hydra.sweep.dir={sweep}: {sweep}/0/train.log is a symbolic link, and what a "
        "run writes stays in its folder. Put the file or folder itself there, or remove the link. "
        "Leave it out for a new folder.\n"
    )
    assert (tmp_path / "victim").read_text() == "mine\n"
