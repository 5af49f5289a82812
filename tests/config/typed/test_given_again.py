from __future__ import annotations

import re
from pathlib import Path

import pytest

from tlx.config.stored.resumed_sweep import sweep_to_resume
from tlx.config.typed.given_again import values_given, with_secrets
from tlx.errors import TlxError
from tlx.sweeps.folder import write_sweep
from tlx.texts.redaction import MARK

STORED = {"logger": {"tracking_uri": f"http://{MARK}@h", "experiment": "tlx"}, "seed": 3}


def test_with_secrets_without_the_secret_says_what_to_give(tmp_path: Path) -> None:
    sentence = (
        f"{tmp_path} was started with a secret in logger.tracking_uri, which no file keeps. "
        f"Give it again: resume={tmp_path} logger.tracking_uri=VALUE"
    )
    with pytest.raises(TlxError, match=f"^{re.escape(sentence)}$"):
        with_secrets(STORED, tmp_path, None)
    still = values_given([f"logger.tracking_uri='http://{MARK}@h'"])
    with pytest.raises(TlxError, match=f"^{re.escape(sentence)}$"):
        with_secrets(STORED, tmp_path, still)


def test_with_secrets_takes_what_was_left_out_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLX_TEST_URI", "http://u:new@h")
    given = values_given(["logger.tracking_uri=${oc.env:TLX_TEST_URI}", "seed=7"])
    whole = with_secrets(STORED, tmp_path, given)
    assert whole == {"logger": {"tracking_uri": "http://u:new@h", "experiment": "tlx"}, "seed": 3}
    assert STORED["logger"] == {"tracking_uri": f"http://{MARK}@h", "experiment": "tlx"}


def test_with_secrets_of_a_configuration_without_any_needs_none(tmp_path: Path) -> None:
    plain = {"logger": {"tracking_uri": "sqlite:///x.db"}}
    assert with_secrets(plain, tmp_path, None) == plain


def test_resumed_sweep_needs_its_secrets_given_again(tmp_path: Path) -> None:
    asked = ["+hydra.launcher.conf.spark.ssl.keyPassword=kp", "logger.tracking_uri=http://u:p@h"]
    write_sweep(tmp_path, [*asked, "seed=1,2"])
    sentence = (
        f"the sweep in {tmp_path} was started with a secret in logger.tracking_uri, which no file "
        f"keeps. Give it again: resume={tmp_path} logger.tracking_uri=VALUE"
    )
    with pytest.raises(TlxError, match=f"^{re.escape(sentence)}$"):
        sweep_to_resume([f"resume={tmp_path}", asked[0]])
    arguments = sweep_to_resume([f"resume={tmp_path}", *asked])
    assert arguments[:3] == ["seed=1,2", *asked]


def test_resumed_sweep_still_refuses_other_options(tmp_path: Path) -> None:
    write_sweep(tmp_path, ["logger.tracking_uri=http://u:p@h", "seed=1,2"])
    with pytest.raises(TlxError, match="so seed=3 cannot be changed"):
        sweep_to_resume([f"resume={tmp_path}", "logger.tracking_uri=http://u:p@h", "seed=3"])
