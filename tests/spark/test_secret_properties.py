from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tlx.spark.config import SparkLauncherConf
from tlx.spark.launcher.launcher import option_faults
from tlx.spark.secret_properties import SUBMIT_ARGUMENTS, is_secret_property, submitted_secretly
from tlx.texts.redaction import MARK

SESSION = """
import json, os, sys
from pathlib import Path
from tlx.spark.session import open_session, session_options

conf = json.loads(sys.argv[1])
session = open_session(session_options("local[1]", conf, 1, 60.0), Path(sys.argv[2], "spark.log"))
pid = session.context._gateway.proc.pid
known = session.context.getConf()
print(json.dumps({
    "command": Path(f"/proc/{pid}/cmdline").read_bytes().decode(),
    "known": {name: known.get(name) for name in conf},
    "submit": os.environ.get("PYSPARK_SUBMIT_ARGS"),
}))
session.stop()
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="command lines are read from /proc")
def test_session_with_secrets_gets_them_and_shows_none_in_the_jvms_command_line(
    tmp_path: Path,
) -> None:
    conf = {
        "spark.hadoop.fs.s3a.secret.key": "hun ter2=ü€😀'\"\\",
        "spark.ssl.keyPassword": "keypw-1234",
        "spark.hadoop.warehouse": "https://usr:pw9876@h/",
        "spark.driver.memory": "600m",
    }
    command = [sys.executable, "-c", SESSION, json.dumps(conf), str(tmp_path)]
    variables = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=variables)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["known"] == conf
    assert told["submit"] is None
    assert "-Xmx600m" in told["command"]
    for secret in ("hun ter2", "keypw-1234", "pw9876"):
        assert secret not in told["command"]
    assert not list(tmp_path.rglob("*.properties.secret")) + list(tmp_path.rglob("secret*"))


def test_submitted_secretly_writes_a_private_file_and_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SUBMIT_ARGUMENTS, "--verbose pyspark-shell")
    with submitted_secretly({"spark.x.secret": "a b=\n"}, tmp_path):
        options = os.environ[SUBMIT_ARGUMENTS].split()
        path = Path(options[2])
        assert options[3:] == ["--verbose", "pyspark-shell"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        written = path.read_text(encoding="utf-8")
    assert written == "spark\\u002ex\\u002esecret=a\\u0020b\\u003d\\u000a\n"
    assert not path.parent.exists()
    assert os.environ[SUBMIT_ARGUMENTS] == "--verbose pyspark-shell"


def test_is_secret_property_goes_by_name_and_by_value() -> None:
    assert is_secret_property("spark.authenticate.secret", "x")
    assert is_secret_property("spark.executorEnv.HF_TOKEN", "x")
    assert is_secret_property("spark.hadoop.uri", "http://u:p@h")
    assert not is_secret_property("spark.authenticate", "true")
    assert not is_secret_property("spark.executor.memory", "4g")


def test_option_faults_with_a_secret_among_java_options_are_refused() -> None:
    options = "-Djavax.net.ssl.trustStorePassword=hunter2 -Xss4m"
    conf = {"spark": {"driver": {"extraJavaOptions": options}}, "spark.x": "y"}
    (fault,) = option_faults(SparkLauncherConf(conf=conf))
    assert fault.key == "hydra.launcher.conf.spark.driver.extraJavaOptions"
    assert fault.reason == (
        "it holds a secret, and a JVM's options are seen by all users of the machine"
    )
    assert "hunter2" not in str(fault)
    assert f"trustStorePassword={MARK} -Xss4m" in str(fault)
