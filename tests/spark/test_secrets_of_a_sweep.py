"""A sweep with secrets: every file that it leaves is read, byte by byte."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from omegaconf import DictConfig

from tests.spark.conftest import Sweep
from tlx.spark.pickling import named, pickled_exception
from tlx.sweeps.jobs import read_sweep
from tlx.texts.redaction import MARK

CONFIG = "uri: none\ndb:\n  password: null\nx: 0\ntokenizer: bert\n"
SECRETS = (b"hunter2pw", b"s3cretpw")


def leaky(cfg: DictConfig) -> None:
    """Tell its secret in an error, and steer the terminal."""
    raise ValueError(f"cannot open {cfg.uri}\x1b[31m with password={cfg.db.password}")


def loud(cfg: DictConfig) -> None:
    """Fail with 5 MB of words."""
    raise ValueError("begin" + "y" * 5_000_000 + f"end {cfg.x}")


@pytest.mark.parametrize("launcher", ["debug", "spark"])
def test_sweep_with_secrets_leaves_them_in_no_file_and_shows_none(
    launcher: str,
    sweep: Callable[..., Sweep],
    capfd: pytest.CaptureFixture[str],
) -> None:
    asked = ("uri='mysql://usr:hunter2pw@h/db'", "db.password=s3cretpw", "x=1,2")
    done = sweep(leaky, *asked, launcher=launcher, config=CONFIG)
    written = [path for path in done.folder.rglob("*") if path.is_file()]
    names = {path.name for path in written}
    assert names >= {"multirun.yaml", "sweep.json", "job.json", "results.csv", "overrides.yaml"}
    for path in written:
        assert not [secret for secret in SECRETS if secret in path.read_bytes()], path
    told = "".join(capfd.readouterr())
    assert not [secret for secret in SECRETS if secret.decode() in told]
    assert "left out of the sweep's files, as secrets: uri, db.password" in told
    for record in read_sweep(done.folder):
        assert record.overrides[0] == f"uri='mysql://{MARK}@h/db'"
        error = f"cannot open mysql://{MARK}@h/db\x1b[31m with password={MARK}"
        assert record.error == f"ValueError: {error}"
        assert record.fault == f"ValueError: {error}".replace("\x1b", r"\x1b")
    sweep_asked = json.loads((done.folder / "sweep.json").read_text())["arguments"]
    assert f"db.password={MARK}" in sweep_asked
    config = (done.folder / "0" / ".hydra" / "config.yaml").read_text()
    assert "tokenizer: bert" in config
    assert f"password: '{MARK}'" in config


def test_sweep_with_5_mb_of_error_keeps_table_record_and_console_short(
    sweep: Callable[..., Sweep], capfd: pytest.CaptureFixture[str]
) -> None:
    done = sweep(loud, "x=1,2", launcher="debug")
    (first, _) = read_sweep(done.folder)
    assert first.error is not None
    assert first.error.startswith("ValueError: beginyyy")
    assert first.error.endswith("yend 1")
    assert "characters left out" in first.error
    assert len(first.error) < 2_100
    assert (done.folder / "results.csv").stat().st_size < 6_000
    assert (done.folder / "0" / "job.json").stat().st_size < 1_100_000
    assert len(capfd.readouterr().err) < 20_000


def test_named_and_pickled_exception_of_a_huge_error_are_bounded() -> None:
    error = ValueError("y" * 5_000_000)
    assert len(named(error)) < 2_100
    assert pickled_exception(error) is None
    assert pickled_exception(ValueError("small")) is not None
