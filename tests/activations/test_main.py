from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import command
from tlx.activations.__main__ import main
from tlx.activations.locks import Lease
from tlx.activations.manifest import Manifest
from tlx.activations.parts import part_path, write_part
from tlx.activations.store import ActivationStore

ABOUT = {"backbone": "resnet18", "cut": "layer4", "split": "val"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = ActivationStore(tmp_path / "store")
    for letter, used_at in (("a", time.time() - 10), ("b", time.time())):
        manifest = Manifest(letter * 64, 5, (50,), "float32", "float32", False, 256, ABOUT)
        entry = store.reserve(manifest)
        write_part(entry.folder, manifest, 0, [np.zeros((5, 50), np.float32)])
        os.utime(entry.folder / "used", (used_at, used_at))
    begun = store.reserve(Manifest("c" * 64, 5, (50,), "float32", "float32", False, 256))
    os.utime(begun.folder / "used", (used_at + 10, used_at + 10))
    broken = store.folder / ("d" * 64)
    broken.mkdir()
    os.utime(broken, (used_at + 20, used_at + 20))
    return store.folder


def _said(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    main([str(argument) for argument in arguments])
    return capsys.readouterr().out.splitlines()


def test_ls_tells_what_each_entry_is_and_its_state(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lease = Lease.take(folder, "a" * 64)
    lines = _said(capsys, "ls", "--folder", folder)
    rows = {line.split()[1]: line for line in lines if line.startswith("│")}
    assert [key[0] for key in rows] == ["d", "c", "b", "a"]
    assert "resnet18 │ layer4 │ val" in rows["a" * 12]
    assert "50 float32" in rows["a" * 12]
    assert rows["a" * 12].rstrip(" │").endswith("complete, in use")
    assert rows["b" * 12].rstrip(" │").endswith("complete")
    assert rows["c" * 12].rstrip(" │").endswith("0 of 1 parts")
    assert rows["d" * 12].rstrip(" │").endswith("unreadable")
    assert lines[-1].endswith("kB in all")
    lease.close()


def test_verify_of_a_sound_store_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(capsys, "verify", "--folder", folder)
    assert said == ["4 entries, 2 of them unfinished, no damage"]


def test_verify_of_damage_names_it_and_ends_with_status_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = part_path(folder / ("a" * 64), 0)
    before = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(SystemExit) as caught:
        main(["verify", "--folder", str(folder)])
    said = capsys.readouterr()
    assert caught.value.code == 1
    assert said.out == "aaaaaaaaaaaa part 1: its checksum differs\n"
    assert "1 damaged parts removed; they are computed again when next used." in said.err
    assert not path.exists()


def test_prune_to_a_size_and_of_all(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lease = Lease.take(folder, "b" * 64)
    claimed = sum(entry.claimed_bytes for entry in ActivationStore(folder).entries())
    (line,) = _said(capsys, "prune", "--max-gb", f"{(claimed - 1) / 1e9:.12f}", "--folder", folder)
    assert line.startswith("removed 1 entries (")
    assert not (folder / ("a" * 64)).exists()
    lines = _said(capsys, "prune", "--all", "--folder", folder)
    assert lines[0].startswith("removed 2 entries (")
    assert lines[1] == "what is left is in use"
    lease.close()
    _said(capsys, "prune", "--all", "--folder", folder)
    assert ActivationStore(folder).entries() == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["ls", "--folder", "nowhere"], "there is no store in nowhere"),
        (["prune", "--max-gb", "much"], "'much' is no size in GB; give a number from 0 up"),
        (["prune"], "one of the arguments --max-gb --all is required"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_wrong_arguments_are_told(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code != 0
    assert text in capsys.readouterr().err


def test_ls_in_a_process_of_its_own_loads_no_torch(folder: Path) -> None:
    done = command("tlx.activations", "ls", "--folder", str(folder), cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    assert "4 entries in" in done.stdout
    code = "import sys, tlx.activations.__main__; sys.exit('torch' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0


@pytest.mark.parametrize(
    "content", ["{", "[]", "", "[" * 9999, '{"about": 5}', '{"rows": 1e400}', "\x00"]
)
def test_damaged_entries_are_listed_verified_and_pruned(
    content: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ("a" * 64) / "entry.json").write_text(content)
    (folder / ("b" * 64) / "part-00000.json").write_text(content)
    rows = [line for line in _said(capsys, "ls", "--folder", folder) if line.startswith("│ aaaa")]
    assert rows[0].rstrip(" │").endswith("unreadable")
    with pytest.raises(SystemExit) as caught:
        main(["verify", "--folder", str(folder)])
    assert caught.value.code == 1
    said = capsys.readouterr().out.splitlines()
    assert (
        "aaaaaaaaaaaa entry.json is damaged, and written anew when the entry is next used" in said
    )
    assert any(line.startswith("bbbbbbbbbbbb part 1: its record cannot be read") for line in said)
    _said(capsys, "prune", "--all", "--folder", folder)
    assert not (folder / ("a" * 64)).exists()
