"""A run whose logger's address holds a password: no file keeps it, only a resume asks for it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from tests.tiny import TINY
from tlx.evaluate import evaluate
from tlx.loggers.mlflow import Mlflow
from tlx.texts.redaction import MARK
from tlx.train import main

SECRET = "hunter2pw"
URI = f"http://usr:{SECRET}@127.0.0.1:1/x"


def train(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Run the command line in this process, which leaves Hydra as it was."""
    monkeypatch.setattr(sys, "argv", ["tlx.train", *arguments])
    try:
        main()
    finally:
        GlobalHydra.instance().clear()


def test_run_with_a_password_in_its_loggers_address_keeps_it_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(Mlflow, "faults", lambda _: [])  # it cannot be reached anyway
    folder = tmp_path / "run"
    logger = ("logger=mlflow", f"logger.tracking_uri='{URI}'", f"hydra.run.dir={folder}")
    train(monkeypatch, *TINY, "trainer.epochs=1", *logger)
    told = "".join(capfd.readouterr())
    assert SECRET not in told
    assert "left out of the run's files, as secrets: logger.tracking_uri" in told
    assert "the logger failed and is left out from here" in told
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert {"config.yaml", "train.log", "hydra.yaml", "result.json"} <= {p.name for p in written}
    for path in written:
        assert SECRET.encode() not in path.read_bytes(), path
    assert f"tracking_uri: http://{MARK}@127.0.0.1:1/x" in (folder / "config.yaml").read_text()
    result = json.loads((folder / "result.json").read_text())
    assert f"logger.tracking_uri='\"'\"'http://{MARK}@127.0.0.1:1/x'\"'\"'" in result["command"]
    assert evaluate(folder).accuracy == pytest.approx(result["metrics"]["test"]["accuracy"])
    (folder / "result.json").write_text(json.dumps(result | {"status": "failed"}))
    with pytest.raises(SystemExit):
        train(monkeypatch, f"resume={folder}")
    sentence = (
        f"tlx.train: {folder} was started with a secret in logger.tracking_uri, which no file "
        f"keeps. Give it again: resume={folder} logger.tracking_uri=VALUE\n"
    )
    assert re.sub(r"\s+", " ", capfd.readouterr().err).endswith(re.sub(r"\s+", " ", sentence))
    train(monkeypatch, f"resume={folder}", f"logger.tracking_uri='{URI}'")
    assert SECRET not in "".join(capfd.readouterr()) + (folder / "train.log").read_text()
    assert json.loads((folder / "result.json").read_text())["status"] == "completed"
