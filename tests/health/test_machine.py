from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from tlx.health import machine
from tlx.health.imports import Imported

GB = 10**9


def test_outputs_finding_leaves_nothing_behind(tmp_path: Path) -> None:
    found = machine.outputs_finding(tmp_path / "a" / "outputs")
    assert (found.level, list(tmp_path.iterdir())) == ("fine", [])
    assert found.text == f"{tmp_path / 'a' / 'outputs'} can be written, made by the first run"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_outputs_finding_of_a_folder_without_access_is_broken(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    found = machine.outputs_finding(tmp_path / "outputs")
    tmp_path.chmod(0o700)
    assert (found.level, "hydra.run.dir=FOLDER" in found.remedy) == ("broken", True)


def test_outputs_finding_where_a_file_is_in_the_way_is_broken(tmp_path: Path) -> None:
    (tmp_path / "outputs").touch()
    found = machine.outputs_finding(tmp_path / "outputs")
    assert (found.level, found.text) == ("broken", f"{tmp_path / 'outputs'} is no folder")


@pytest.mark.parametrize(("free_gb", "level"), [(50, "fine"), (3, "optional"), (0.1, "broken")])
def test_disk_finding_follows_the_free_room(
    free_gb: float, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, int(free_gb * GB)))
    found = machine.disk_finding(tmp_path)
    assert (found.level, bool(found.remedy)) == (level, level != "fine")
    assert found.text == f"{free_gb:.1f} GB free at {tmp_path}"


def test_available_memory_minds_a_containers_limit(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:  3000000 kB\n")
    assert machine.available_memory(tmp_path) == 3_072_000_000
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.current").write_text("400000000\n")
    (group / "memory.max").write_text("max\n")
    assert machine.available_memory(tmp_path) == 3_072_000_000
    (group / "memory.max").write_text("1400000000\n")
    assert machine.available_memory(tmp_path) == GB
    assert machine.memory_finding(GB).level == "optional"
    assert machine.available_memory(tmp_path / "nowhere") is None


def test_weights_finding_looks_where_torch_does(tmp_path: Path) -> None:
    environment = {"TORCH_HOME": str(tmp_path)}
    folder = tmp_path / "hub" / "checkpoints"
    found = machine.weights_finding(environment)
    assert (found.level, found.text) == ("optional", f"none in {folder}")
    folder.mkdir(parents=True)
    (folder / "a.pth").write_bytes(bytes(2_000_000))
    assert machine.weights_finding(environment).text == f"1 files, 2 MB in {folder}"
    elsewhere = machine.weights_finding({"XDG_CACHE_HOME": str(tmp_path)})
    assert elsewhere.text == f"none in {tmp_path / 'torch' / 'hub' / 'checkpoints'}"


def test_java_finding_names_version_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n")
    program.chmod(0o700)
    found = machine.java_finding({"JAVA_HOME": str(tmp_path)})
    assert (found.level, found.text) == ("fine", f"21 in {tmp_path}")
    monkeypatch.setattr("tlx.spark.java.bundled_java", lambda *_: None)
    missing = machine.java_finding({})
    assert missing.level == "optional"
    assert "needs Java 17 or newer" in missing.text
    assert "pip install 'tlx[jre]'" in missing.remedy


def test_device_finding_tells_what_torch_told() -> None:
    told = {"devices": ["cuda"], "device_name": "H100", "threads": 8}
    found = machine.device_finding(Imported("torch", None, told))
    assert (found.level, found.text) == ("fine", "cuda (H100), cpu (8 threads)")
    assert machine.device_finding(None).level == "broken"


def test_device_finding_of_a_driver_that_torch_does_not_use_says_what_to_do() -> None:
    told = {"devices": [], "device_name": "", "threads": 8}
    torch = Imported("torch", None, told)
    found = machine.device_finding(torch, has_driver=True)
    assert str(found).startswith("optional  device")
    assert found.text == "cpu (8 threads); there is an NVIDIA driver, and torch finds no GPU"
    assert found.remedy.startswith("Install the torch that fits the driver ")
    assert machine.device_finding(torch, has_driver=False).level == "fine"
