from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from tlx.spark.errors import SparkStartError
from tlx.spark.launcher.checks import check_executor, describe, versions
from tlx.spark.masters import check_reachable
from tlx.spark.session import session_options, spark_properties


def test_session_options_flatten_nested_and_dotted_properties() -> None:
    conf = {"spark": {"executor": {"memory": "4g"}}, "spark.x.y": True, "spark.n": 3}
    options = session_options("local[2]", conf, 1, 60.0)
    assert dict(options.conf) == {
        "spark.executor.memory": "4g",
        "spark.x.y": "true",
        "spark.n": "3",
    }


def test_local_session_binds_to_loopback_without_pages_and_users_properties_win() -> None:
    options = session_options("local[2]", {"spark.ui.enabled": True}, 2, 60.0)
    properties = spark_properties(options, Path("/scratch"))
    assert properties["spark.driver.bindAddress"] == properties["spark.driver.host"] == "127.0.0.1"
    assert properties["spark.task.cpus"] == "2"
    assert "-Djava.io.tmpdir=/scratch" in properties["spark.driver.extraJavaOptions"]
    assert properties["spark.ui.enabled"] == "true"
    cluster = spark_properties(session_options("spark://a:1", {}, 1, 60.0), Path("x"))
    assert "spark.driver.host" not in cluster
    assert cluster["spark.ui.enabled"] == "false"


def test_unreachable_master_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SparkStartError, match=f"no Spark master answers .*127.0.0.1:{port}"):
        check_reachable(f"spark://127.0.0.1:{port}", 5.0)


def test_executor_that_agrees_passes(tmp_path: Path) -> None:
    (tmp_path / ".tlx-driver-t").touch()
    check_executor(describe(str(tmp_path), "t") | {"seen_by_driver": True}, tmp_path, "spark://a:1")
    assert (tmp_path / ".tlx-executor-t").read_text() == "t"


@pytest.mark.parametrize("name", ["Python", "torch", "tlx"])
def test_executor_with_another_version_is_refused(tmp_path: Path, name: str) -> None:
    answer = describe(str(tmp_path), "t") | {"seen_by_driver": True}
    answer["versions"] = versions() | {name: "0.0"}
    expected = f"executors have {name} 0.0, this program has {versions()[name]}"
    with pytest.raises(SparkStartError, match=expected):
        check_executor(answer, tmp_path, "spark://a:1")


def test_executor_with_another_folder_or_none_to_write_is_refused(tmp_path: Path) -> None:
    other = describe(str(tmp_path), "t") | {"seen_by_driver": False}
    with pytest.raises(SparkStartError, match="has another folder by this name"):
        check_executor(other, tmp_path, "spark://a:1")
    (tmp_path / "file").touch()
    closed = describe(str(tmp_path / "file" / "below"), "t") | {"seen_by_driver": False}
    with pytest.raises(SparkStartError, match=r"cannot write there .NotADirectoryError"):
        check_executor(closed, tmp_path, "spark://a:1")


def test_versions_do_not_import_torch() -> None:
    import subprocess

    imports = "import sys; from tlx.spark.launcher.checks import versions; versions(); "
    code = f"{imports}print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
