from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from tests.tiny import TINY
from tlx.config.builders import checked_plan
from tlx.config.choices.groups import group_options
from tlx.config.composition import compose_config
from tlx.config.stored.record import config_text, load_config
from tlx.errors import ConfigError, TlxError

NESTED = {"_target_": "json.dumps", "default": {"_target_": "pandas.read_pickle", "x": "p.pkl"}}


def kept(folder: Path, *words: str) -> Path:
    """Write the configuration of a tiny run, and return the file."""
    path = folder / "config.yaml"
    path.write_text(config_text(compose_config([*TINY, *words])), encoding="utf-8")
    return path


def changed(folder: Path, group: str | None, key: str, value: Any) -> None:
    """Change a value in a run's `config.yaml`, as a stranger would."""
    path = kept(folder)
    content = yaml.safe_load(path.read_text())
    (content if group is None else content[group])[key] = value
    path.write_text(yaml.safe_dump(content))


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as error:
        checked_plan(load_config(folder))
    return [str(fault) for fault in error.value.faults]


def test_config_kept_and_loaded_gives_the_same_plan(tmp_path: Path) -> None:
    words = ["seed=4", "scheduler=one_cycle"]
    path = kept(tmp_path, *words)
    assert "${" not in path.read_text()
    assert "_target_" not in path.read_text()
    again = load_config(tmp_path)
    assert again["data"]["seed"] == 4
    before, after = checked_plan(compose_config([*TINY, *words])), checked_plan(again)
    assert after.recipe == before.recipe
    assert (after.data, after.source_model, after.trainer, after.seed) == (
        before.data, before.source_model, before.trainer, before.seed,
    )  # fmt: skip


def test_config_kept_has_names_of_shipped_files_as_they_are_and_own_paths_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "target_curve").touch()
    words = ["data=table_csv", "backbone=mlp"]
    for path, kept_path in {
        "target_curve": "target_curve",
        "./target_curve": str(tmp_path / "target_curve"),
    }.items():
        text = config_text(compose_config([*words, f"data.path={path}"]))
        assert yaml.safe_load(text)["data"]["path"] == kept_path


def test_config_kept_names_the_option_of_each_group_and_holds_plain_values() -> None:
    words = ["strategy=structure_reuse", "data=glyphs_200k", "activations=off"]
    text = config_text(compose_config([*words, "backbone=mobilenet_v2"]))
    assert text.startswith("# A run of tlx: the option chosen of each group, and all options as ")
    content = yaml.safe_load(text)
    assert content["choices"] == {
        "data": "glyphs_200k", "augmentation": "none", "backbone": "mobilenet_v2",
        "strategy": "structure_reuse", "loss": "cross_entropy", "optimizer": "adamw",
        "scheduler": "warmup_cosine", "trainer": "default", "activations": "off",
        "logger": "none", "regularizer": "none",
    }  # fmt: skip
    assert content["strategy"] == {"init": "pretrained"}


@pytest.mark.parametrize("group", ["activations", "backbone", "data", "loss"])  # some alike
def test_every_shipped_option_is_kept_by_its_own_name(group: str) -> None:
    for option in group_options()[group]:
        content = yaml.safe_load(config_text(compose_config([f"{group}={option.name}"])))
        assert content["choices"][group] == option.name


def test_config_kept_makes_paths_of_weights_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.safetensors").touch()
    kept(tmp_path, "backbone.weights=a.safetensors", "backbone.transforms=DEFAULT")
    loaded = load_config(tmp_path)["backbone"]
    assert (loaded["weights"], loaded["transforms"]) == (
        str(tmp_path / "a.safetensors"),
        "DEFAULT",
    )


def test_config_of_an_experiment_holds_the_outcome_only(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "config.yaml").write_text(config_text(compose_config(["experiment=pretrain"])))
    loaded = load_config(tmp_path)
    assert "experiment" not in loaded
    assert "hydra" not in loaded
    assert loaded["strategy"]["init"] == "scratch"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "is not the folder of a run: it has no config.yaml."),
        ("a: [", "config.yaml cannot be read: while parsing"),
        ("- 1", "config.yaml cannot be read: it holds no configuration."),
        ("a: &x 1", "line 1 has an anchor or an alias, which stored values do without."),
        ("choices: 1", "config.yaml cannot be read: its choices are no mapping."),
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


@pytest.mark.parametrize(
    ("group", "key", "value", "fault"),
    [
        ("loss", "_target_", "json.dumps", "loss._target_=json.dumps: only the file of an "),
        ("loss", "label_smoothing", NESTED, "loss.label_smoothing._target_="),
        ("loss", "label_smoothing", [[{"a": NESTED}]], "loss.label_smoothing[0][0].a._target_="),
        ("data", "new", NESTED, "data.new._target_="),
        ("data", "new", 1, "data.new=1: data has no option 'new'. Choose from: "),
        ("optimizer", "_partial_", True, "optimizer._partial_=True: only the file of an "),
        (None, "seed", NESTED, "seed._target_="),
        (None, "_target_", "os.system", "_target_=os.system: a run has no such group or setting. "),
        (None, "hydra", {"callbacks": NESTED}, "hydra={'callbacks': "),
        (None, "experiment", NESTED, "experiment={'_target_': 'json.dumps', "),
        (None, "loss", "json.dumps", "loss=json.dumps: needs options by name. Restore the file."),
        ("choices", "loss", "../../x", "choices.loss=../../x: no installed loss has this name. "),
        ("choices", "loss", NESTED, "choices.loss={'_target_': 'json.dumps', "),
        ("choices", "loss", None, "choices.loss=None: no installed loss has this name. "),
        ("choices", "hydra", "x", "choices.hydra=x: there is no such group. Choose from: "),
    ],
)
def test_config_of_a_stranger_that_asks_for_more_than_installed_options_is_refused(
    group: str | None, key: str, value: Any, fault: str, tmp_path: Path
) -> None:
    changed(tmp_path, group, key, value)
    assert any(found.startswith(fault) for found in faults_of(tmp_path)), faults_of(tmp_path)


def test_config_with_a_choice_that_is_not_installed_says_how_to_give_it_again(
    tmp_path: Path,
) -> None:
    changed(tmp_path, "choices", "loss", "mine")
    assert faults_of(tmp_path) == [
        "choices.loss=mine: no installed loss has this name. Where a configuration folder has it, "
        "give the folder again with --config-dir FOLDER; where a package has it, install that. "
        "Choose from: cross_entropy, huber, mae, mse."
    ]


def test_config_of_a_stranger_fills_in_no_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    OmegaConf.register_new_resolver("mark", lambda: (tmp_path / "mark").touch(), replace=True)
    path = kept(tmp_path)
    content = yaml.safe_load(path.read_text())
    content["data"]["classes"] = ["${oc.env:SECRET}", "${mark:}", "${seed}"]
    content["seed"] = "${oc.env:SECRET}"
    path.write_text(yaml.safe_dump(content))
    loaded = load_config(tmp_path)
    assert loaded["data"]["classes"] == ["${oc.env:SECRET}", "${mark:}", "${seed}"]
    (fault,) = [one for one in faults_of(tmp_path) if one.startswith("seed=")]
    assert fault.startswith("seed=${oc.env:SECRET}: must be a valid integer")
    assert "hunter2" not in "".join(faults_of(tmp_path))
    assert not (tmp_path / "mark").exists()


def test_config_of_an_earlier_version_is_read_by_the_installed_options_it_names(
    tmp_path: Path,
) -> None:
    cfg = compose_config([*TINY, "activations=off", "optimizer=sgd"])
    (tmp_path / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True))
    assert "_target_: tlx.optimization.optimizers.sgd" in (tmp_path / "config.yaml").read_text()
    assert checked_plan(load_config(tmp_path)).recipe == checked_plan(cfg).recipe


def test_config_of_an_earlier_version_with_another_target_is_refused(tmp_path: Path) -> None:
    cfg = OmegaConf.merge(compose_config(TINY), {"loss": {"_target_": "json.dumps"}})
    (tmp_path / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True))
    assert faults_of(tmp_path) == [
        "loss._target_=json.dumps: no installed option of loss makes it. Where a configuration "
        "folder has it, give the folder again with --config-dir FOLDER; where a package has it, "
        "install that."
    ]


def test_config_that_no_installed_option_makes_is_not_kept() -> None:
    cfg = OmegaConf.merge(compose_config(TINY), {"loss": {"_target_": "json.dumps"}})
    with pytest.raises(ConfigError) as error:
        config_text(cfg)
    assert str(error.value) == (
        "loss._target_=json.dumps: no installed option of loss makes it, so that the run could "
        "not be read back. Make it an option; docs/extending.md tells how."
    )
