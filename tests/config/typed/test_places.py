from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from tlx.config.choices.groups import group_options
from tlx.config.choices.paths import conf_dir
from tlx.config.composition import composed
from tlx.config.typed.places import PLACES, PLACES_OR_NAMES, with_places


def test_with_places_takes_the_home_folder_for_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    nodes = {"data": {"root": "~/x", "table": "a~b", "seed": 1}, "backbone": {"weights": "~/w"}}
    assert with_places(nodes) == {
        "data": {"root": "/home/ada/x", "table": "a~b", "seed": 1},
        "backbone": {"weights": "/home/ada/w"},
    }
    assert nodes["data"]["root"] == "~/x"


def test_with_places_in_a_folder_of_the_job_start_where_the_command_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "mine.safetensors").touch()
    monkeypatch.chdir(tmp_path)
    cfg = composed(["hydra.run.dir=run"], conf_dir(), "train")
    OmegaConf.update(cfg, "hydra.runtime.cwd", str(tmp_path), force_add=True)
    OmegaConf.update(cfg, "hydra.runtime.output_dir", str(tmp_path / "run"), force_add=True)
    nodes = {
        "data": {"root": "pets", "cache": "/abs", "table": "???", "path": None},
        "backbone": {"weights": "mine.safetensors", "transforms": "DEFAULT"},
    }
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)
    HydraConfig.instance().set_config(cfg)
    assert with_places(nodes) == nodes
    monkeypatch.chdir(tmp_path / "run")
    assert with_places(nodes) == {
        "data": {"root": str(tmp_path / "pets"), "cache": "/abs", "table": "???", "path": None},
        "backbone": {"weights": str(tmp_path / "mine.safetensors"), "transforms": "DEFAULT"},
    }
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # of no job of Hydra's
    assert with_places(nodes) == nodes


def test_every_shipped_option_that_is_called_like_a_path_has_its_place() -> None:
    like_paths = {"root", "table", "path", "cache", "folder", "weights", "transforms", "file",
                  "preparation", "dir"}  # fmt: skip
    found = {
        (group, str(key))
        for group, options in group_options().items()
        if group not in ("experiment",) and "/" not in group
        for option in options
        if (file := conf_dir() / group / f"{option.name}.yaml").is_file()
        for key in OmegaConf.load(file)
        if str(key) in like_paths
    }
    assert found == {*PLACES, *PLACES_OR_NAMES}
