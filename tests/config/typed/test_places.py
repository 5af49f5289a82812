from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from tlx.config.choices.groups import group_options
from tlx.config.choices.paths import conf_dir
from tlx.config.composition import compose_config, composed
from tlx.config.typed import places
from tlx.config.typed.places import path_options, with_places
from tlx.texts.file_paths import FilePath, PathOption, WorkingFolder

TABLE = {"_target_": "tlx.data.images.image_table.ImageTable"}
MODEL = {"_target_": "tlx.backbones.source_model.SourceModel"}


def test_with_places_takes_the_home_folder_for_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    nodes = {
        "data": TABLE | {"root": "~/x", "table": "a~b", "seed": 1},
        "backbone": MODEL | {"weights": "~/w"},
        "trainer": {"precision": "~/p"},
    }
    assert with_places(nodes) == {
        "data": TABLE | {"root": "/home/ada/x", "table": "a~b", "seed": 1},
        "backbone": MODEL | {"weights": "/home/ada/w"},
        "trainer": {"precision": "~/p"},
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
        "data": TABLE | {"root": "pets", "cache": "/abs", "table": "???", "path_column": "p"},
        "backbone": MODEL | {"weights": "mine.safetensors", "transforms": "DEFAULT"},
    }
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)
    HydraConfig.instance().set_config(cfg)
    assert with_places(nodes) == nodes
    monkeypatch.chdir(tmp_path / "run")
    assert with_places(nodes) == {
        "data": nodes["data"] | {"root": str(tmp_path / "pets")},
        "backbone": MODEL
        | {"weights": str(tmp_path / "mine.safetensors"), "transforms": "DEFAULT"},
    }
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # of no job of Hydra's
    assert with_places(nodes) == nodes


def test_with_places_leaves_names_of_shipped_files_whatever_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ("target_curve", "other_curve", "glyphs_shufflenet_v2_x1_0")
    for name in own:
        (tmp_path / name).touch()
    monkeypatch.setattr(places, "started_in", lambda: tmp_path)
    table = {"_target_": "tlx.data.tables.table_csv.TableCsv"}

    def placed(path: str) -> str:
        return str(with_places({"data": table | {"path": path}})["data"]["path"])

    nodes = {"data": TABLE | {"root": own[0]}, "backbone": MODEL | {"weights": own[2]}}
    assert with_places(nodes) == {
        "data": TABLE | {"root": str(tmp_path / own[0])},
        "backbone": MODEL | {"weights": own[2]},
    }
    assert placed(own[0]) == own[0]
    assert placed(own[1]) == str(tmp_path / own[1])
    assert placed(f"./{own[0]}") == str(tmp_path / own[0])


@dataclass(frozen=True)
class Several:
    """A source of several files, of which no list elsewhere knows."""

    parts: tuple[FilePath, ...]
    named: Annotated[str, PathOption(may_be_name=True)] | None = None
    kept_in: WorkingFolder = "kept"
    words: str = "~"


def test_options_of_a_path_type_are_found_without_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setitem(sys.modules, "several", SimpleNamespace(Several=Several))
    node = {"_target_": "several.Several", "parts": ["~/a", "b"], "words": "~/c"}
    assert {name: (o.is_input, o.may_be_name) for name, o in path_options(node).items()} == {
        "parts": (True, False),
        "named": (True, True),
        "kept_in": (False, False),
    }
    assert with_places({"data": node})["data"] == node | {"parts": ["/home/ada/a", "b"]}


def test_options_of_what_cannot_be_imported_have_no_paths() -> None:
    assert path_options({"_target_": "nowhere.Source", "root": "~/x"}) == path_options("x") == {}


def test_every_shipped_option_that_is_called_like_a_path_has_a_path_type() -> None:
    like_paths = {"root", "table", "path", "cache", "folder", "weights", "transforms", "file",
                  "preparation", "dir"}  # fmt: skip
    named, typed = set(), set()
    for group, options in group_options().items():
        if group == "experiment" or "/" in group:
            continue
        for option in options:
            if not (conf_dir() / group / f"{option.name}.yaml").is_file():
                continue
            words = ["data=" + option.name] if group == "data" else [f"{group}={option.name}"]
            node = OmegaConf.to_container(compose_config(words)[group])
            named |= {(group, str(key)) for key in node if str(key) in like_paths}
            typed |= {(group, name) for name in path_options(node)}
    assert named == typed != set()
