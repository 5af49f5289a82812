from __future__ import annotations

import errno
import os
import pickle
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.small_disk import fill, small_disk
from tests.tiny import TINY, command, environment_for_tlx
from tlx.errors import TlxError
from tlx.runs.atomic import atomic_path, forget_unfinished, write_json
from tlx.runs.disk import DiskError, disk_error


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.EDQUOT, "has no room left for this user (quota). Make room there."),
        (errno.EROFS, "may only be read. Make it writable, or choose another folder."),
        (errno.EIO, "gives input/output errors. Check the disk, and save what matters elsewhere."),
        (
            errno.EFBIG,
            "takes no larger files here. Raise the limit (ulimit -f), or split the work.",
        ),
    ],
)
def test_disk_error_names_file_system_state_and_remedy(
    number: int, text: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    told = disk_error(OSError(number, os.strerror(number)), path)
    assert told is not None
    mount = next(one for one in path.parents if os.path.ismount(one))
    assert str(told) == f"{path} cannot be written: the file system at {mount} {text}"
    assert told.errno == number
    assert (isinstance(told, TlxError), isinstance(told, OSError)) == (True, True)


def test_disk_error_of_a_full_disk_tells_how_much_is_free(tmp_path: Path) -> None:
    told = disk_error(OSError(errno.ENOSPC, "No space left on device"), tmp_path / "no/such/a")
    assert f"{tmp_path / 'no/such/a'} cannot be written: the file system at /" in str(told)
    assert " has too little room (" in str(told)
    assert str(told).endswith(" MB free). Make room there.")


def _hidden() -> BaseException:
    try:
        try:
            raise OSError(errno.ENOSPC, "x")
        except OSError:
            raise RuntimeError("unexpected pos") from None
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        _hidden(),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
        ValueError("[Errno 28] Error writing bytes to file"),
    ],
)
def test_disk_error_is_found_behind_other_programs_errors(error: BaseException) -> None:
    assert disk_error(error, Path("a")) is not None


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOENT, "x"), ValueError("28"), TlxError("os error 28"), OSError("full")],
)
def test_disk_error_of_any_other_error_is_none(error: BaseException) -> None:
    assert disk_error(error, Path("a")) is None


def test_disk_error_stays_itself_and_survives_pickling() -> None:
    error = DiskError("a cannot be written")
    assert disk_error(error, Path("b")) is error
    assert str(pickle.loads(pickle.dumps(error))) == "a cannot be written"


def test_files_on_a_full_disk_are_refused_in_one_sentence_and_old_ones_stay(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 512) as disk:
        path, weights = disk / "a.json", disk / "a.safetensors"
        write_json(path, [1])
        filler = fill(disk)
        text = f"{path} cannot be written: the file system at {disk} has too little room "
        with pytest.raises(DiskError) as told:
            write_json(path, ["x" * 100_000])
        assert str(told.value) == f"{text}(0 of 0.524 MB free). Make room there."
        refused = pytest.raises(DiskError, match=r"a\.safetensors cannot be written: .* too little")
        with refused, atomic_path(weights) as temporary:
            save_file({"a": torch.ones(10_000)}, temporary)
        assert sorted(one.name for one in disk.iterdir()) == ["a.json", "filler"]
        assert path.read_text() == "[\n  1\n]\n"
        filler.unlink()
        write_json(path, ["x" * 100_000])


def test_a_file_above_the_limit_of_file_sizes_is_refused_in_one_sentence(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tlx.runs.atomic import write_json\n"
        "write_json(Path(sys.argv[1]), 'x' * 100_000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.json")],
        capture_output=True,
        text=True,
        env=environment_for_tlx(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert "a.json cannot be written: the file system at" in done.stderr
    assert done.stderr.rstrip().endswith("Raise the limit (ulimit -f), or split the work.")
    assert list(tmp_path.iterdir()) == []


def test_forget_unfinished_removes_only_what_atomic_writers_leave(tmp_path: Path) -> None:
    kept = [".lock", ".hydra-file", "a-0123abcd.txt", ".reserve", "last.ckpt"]
    left = [".last-0123abcd.ckpt", ".results-ffffffff.csv", ".a-00000000"]
    for name in [*kept, *left]:
        (tmp_path / name).touch()
    (tmp_path / ".folder-0123abcd").mkdir()
    assert sorted(path.name for path in forget_unfinished(tmp_path)) == sorted(left)
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([*kept, ".folder-0123abcd"])
    assert forget_unfinished(tmp_path / "none") == []


def test_disk_error_of_a_file_that_is_not_named_says_so() -> None:
    told = disk_error(OSError(errno.ENOSPC, "x"), None)
    assert str(told) == (
        "a file cannot be written: its file system has too little room. Make room there."
    )


def test_command_whose_first_file_finds_no_room_is_one_sentence(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        done = command("tlx.train", *TINY, f"hydra.run.dir={disk}/run", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "tlx.train: a file cannot be written: its file system has too little room. "
        "Make room there.\n"
    )
