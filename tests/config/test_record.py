from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tests.tiny import TINY
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.config.record import load_config, save_config
from tlx.errors import TlxError


def test_config_saved_and_loaded_gives_the_same_plan(tmp_path: Path) -> None:
    cfg = compose_config([*TINY, "seed=4", "scheduler=one_cycle"])
    save_config(cfg, tmp_path)
    again = load_config(tmp_path)
    assert "${" not in (tmp_path / "config.yaml").read_text()
    assert again.data.seed == 4
    before, after = checked_plan(cfg), checked_plan(again)
    assert after.recipe == before.recipe
    assert (after.data, after.source_model, after.trainer, after.seed) == (
        before.data, before.source_model, before.trainer, before.seed,
    )  # fmt: skip


def test_config_saved_makes_paths_of_weights_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.safetensors").touch()
    cfg = compose_config([*TINY, "backbone.weights=a.safetensors", "backbone.transforms=DEFAULT"])
    save_config(cfg, tmp_path)
    loaded = load_config(tmp_path).backbone
    assert (loaded.weights, loaded.transforms) == (str(tmp_path / "a.safetensors"), "DEFAULT")


def test_config_of_an_experiment_holds_the_outcome_only(tmp_path: Path) -> None:
    save_config(compose_config(["experiment=pretrain"]), tmp_path)
    loaded = OmegaConf.to_container(load_config(tmp_path))
    assert isinstance(loaded, dict)
    assert "experiment" not in loaded
    assert "hydra" not in loaded
    assert loaded["strategy"]["init"] == "scratch"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "is not the folder of a run: it has no config.yaml."),
        ("a: [", "config.yaml cannot be read: while parsing"),
        ("- 1", "config.yaml cannot be read: it holds no configuration."),
    ],
)
def test_load_config_of_no_run_or_a_damaged_file_is_an_error(
    content: str | None, text: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(TlxError) as error:
        load_config(tmp_path)
    assert text in str(error.value)
