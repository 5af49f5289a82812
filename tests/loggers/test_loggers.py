"""Each logger for real: what a run sent is read back with the logger's own means."""

from __future__ import annotations

import json
import struct
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pytorch_lightning import Trainer

from tests.inference.runs import small_run
from tests.tiny import TINY, result_of
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.config.head_bank import run_bank
from tlx.errors import ConfigError
from tlx.extras import EXTRAS, missing_modules
from tlx.loggers.observed import flat_params
from tlx.train import resume, train
from tlx.training.history import EpochHistory

SCORES = ("val_accuracy", "val_loss", "train_loss")


def needs(extra: str) -> pytest.MarkDecorator:
    reason = f"needs the extra: pip install -e '.[{extra}]'"
    return pytest.mark.skipif(bool(missing_modules(extra)), reason=reason)


def history(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / "metrics.csv")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return small_run(tmp_path / "plain", "trainer.epochs=2")


@needs("tensorboard")
def test_tensorboard_has_options_epochs_and_final_scores_and_changes_no_number(
    plain: Path, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = small_run(tmp_path / "run", "trainer.epochs=2", "logger=tensorboard")
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    rows = history(run)
    for name in SCORES:
        values = [(event.step, event.value) for event in events.Scalars(name)]
        assert values == [(n + 1, pytest.approx(v)) for n, v in enumerate(rows[name])]
    (final,) = events.Scalars("final/test_accuracy")
    assert final.value == pytest.approx(result_of(run)["metrics"]["test"]["accuracy"])
    assert "_hparams_/session_start_info" in events.PluginTagToContent("hparams")
    about = events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    assert b"optimizer.lr" in about
    assert b"structure_reuse" in about
    assert [path.name for path in (run / "tensorboard").iterdir() if path.is_dir()] == []
    pd.testing.assert_frame_equal(
        rows.drop(columns="seconds"), history(plain).drop(columns="seconds")
    )


@needs("tensorboard")
def test_tensorboard_of_a_probe_has_its_path(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = small_run(tmp_path / "run", "logger=tensorboard", "strategy=probe_ridge")
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    rows = history(run)
    assert len(rows) > 5
    assert [e.value for e in events.Scalars("penalty")] == pytest.approx(rows["penalty"].tolist())
    assert [event.step for event in events.Scalars("val_loss")] == rows["point"].tolist()


@needs("tensorboard")
def test_tensorboard_of_a_resumed_run_has_every_epoch_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    words = ("trainer.epochs=3", "activations=off", "logger=tensorboard")
    run = tmp_path / "run"
    cfg = compose_config([*TINY, *words])

    def broken_off(history: EpochHistory, trainer: Trainer, module: object) -> None:
        if trainer.current_epoch == 2:
            raise RuntimeError("broken off")

    with monkeypatch.context() as breaking:
        breaking.setattr(EpochHistory, "on_train_epoch_start", broken_off)
        with pytest.raises(RuntimeError, match="broken off"):
            train(cfg, run)
    resume(run)
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("val_loss")] == [1, 2, 3]
    assert [e.value for e in events.Scalars("val_loss")] == pytest.approx(
        history(run)["val_loss"].tolist()
    )


@needs("mlflow")
def test_mlflow_has_options_epochs_final_scores_and_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)
    run = small_run(tmp_path / "run", "trainer.epochs=2", "logger=mlflow")
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'outputs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("tlx")
    assert experiment is not None
    (there,) = client.search_runs([experiment.experiment_id], "params.seed = '0'")
    assert there.info.status == "FINISHED"
    assert there.info.run_id == json.loads((run / "logger.json").read_text())["id"]
    assert there.data.params["optimizer.lr"] == "0.002"
    assert there.data.params["strategy.name"] == "structure_reuse"
    for name in SCORES:
        sent: list[Any] = [
            (m.step, m.value) for m in client.get_metric_history(there.info.run_id, name)
        ]
        assert sent == [(n + 1, pytest.approx(v)) for n, v in enumerate(history(run)[name])]
    accuracy = result_of(run)["metrics"]["test"]["accuracy"]
    assert there.data.metrics["final/test_accuracy"] == pytest.approx(accuracy)
    assert there.data.tags["file.model.safetensors"] == str(run / "model.safetensors")
    assert {path.name for path in tmp_path.iterdir()} == {"run", "outputs"}


def wandb_records(content: bytes) -> list[Any]:
    """Return the records of W&B's transaction log: LevelDB's log format behind seven bytes."""
    record: Any = import_module("wandb.proto.wandb_internal_pb2").Record
    records, data, at = [], b"", 7
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        data += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last piece of one
            records.append(record.FromString(data))
            data = b""
    return records


@needs("wandb")
def test_wandb_offline_has_options_epochs_and_final_scores(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", "trainer.epochs=2", "logger=wandb")
    (file,) = (run / "wandb").glob("offline-run-*/run-*.wandb")
    records = wandb_records(file.read_bytes())
    (about,) = (r.run for r in records if r.WhichOneof("record_type") == "run")
    config = {item.key: json.loads(item.value_json) for item in about.config.update}
    assert config["optimizer.lr"] == 0.002
    assert config["run_folder"] == str(run)
    rows = [
        {(i.key or "/".join(i.nested_key)): json.loads(i.value_json) for i in r.history.item}
        for r in records
        if r.WhichOneof("record_type") == "history"
    ]
    for name in SCORES:
        assert [row[name] for row in rows] == pytest.approx(history(run)[name].tolist())
    summary = {
        (i.key or "/".join(i.nested_key)): json.loads(i.value_json)
        for r in records
        if r.WhichOneof("record_type") == "summary"
        for i in r.summary.update
    }
    accuracy = result_of(run)["metrics"]["test"]["accuracy"]
    assert summary["final/test_accuracy"] == pytest.approx(accuracy)
    assert summary["file/model.safetensors"] == str(run / "model.safetensors")
    assert list(file.parent.rglob("*.safetensors")) == []


def test_logger_without_its_package_is_a_fault_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRAS, "wandb", ("wandb_of_nobody",))
    with pytest.raises(ConfigError) as error:
        train(compose_config([*TINY, "logger=wandb"]), tmp_path / "run")
    assert str(error.value) == (
        "logger=wandb: wandb_of_nobody is not installed. "
        "Run pip install 'tlx[wandb]', or use logger=none."
    )
    assert not (tmp_path / "run").exists()


def test_logger_that_fails_is_left_out_and_the_run_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from tlx.loggers import none

    class Failing:
        log_id = None
        told = 0

        def epoch(self, number: int, metrics: Any) -> None:
            self.told += 1
            raise ConnectionError("the server is gone")

        def end(self, end: Any) -> None:
            raise AssertionError("a logger that failed is told nothing more")

    failing = Failing()
    monkeypatch.setattr(none.NoLogger, "open", lambda self, about: failing)
    with caplog.at_level("WARNING", logger="tlx"):
        run = small_run(tmp_path / "run", "trainer.epochs=2")
    assert failing.told == 1
    said = "the logger failed and is left out from here: the server is gone"
    assert [record.message for record in caplog.records if "logger" in record.message] == [said]
    assert result_of(run)["status"] == "completed"


def test_flat_params_are_plain_and_complete() -> None:
    plan = checked_plan(compose_config([*TINY, "logger=none"]))
    params = flat_params(plan.recipe)
    assert params["optimizer.lr"] == 0.002
    assert params["optimizer.betas"] in ("(0.9, 0.999)", "[0.9, 0.999]")
    assert params["backbone.weights"] == "None"
    assert not [name for name in params if name.startswith("logger")]
    assert {name.split(".")[0] for name in params} == set(plan.recipe) - {"logger"}


@needs("tensorboard")
def test_tensorboard_of_each_job_of_a_bank_has_its_epochs(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    words = ("data.train_per_class=3", "data.val_per_class=2", "data.test_fraction=0.06",
             "trainer.epochs=2", "trainer.threads=1", "logger=tensorboard")  # fmt: skip
    configs = [compose_config([*words, f"optimizer.lr={rate}"]) for rate in (1e-3, 1e-1)]
    folders = [tmp_path / "0", tmp_path / "1"]
    outcomes = run_bank(configs, folders, ["", ""])
    assert [outcome.error for outcome in outcomes] == [None, None]
    sent = []
    for run in folders:
        events = EventAccumulator(str(run / "tensorboard")).Reload()
        sent.append([(event.step, event.value) for event in events.Scalars("val_loss")])
        assert sent[-1] == [(n + 1, pytest.approx(v)) for n, v in enumerate(history(run).val_loss)]
        assert len(events.Scalars("final/test_accuracy")) == 1
    assert sent[0] != sent[1]
