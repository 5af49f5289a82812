from __future__ import annotations

import os
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.small_disk import fill, small_disk
from tlx.activations.locks import Lease, unused, writing
from tlx.activations.manifest import Manifest
from tlx.activations.parts import part_path, write_part
from tlx.activations.store import ActivationStore, StoreFullError, size_words

ROW_BYTES = 1000


def manifest_of(letter: str, rows: int = 100) -> Manifest:
    return Manifest(letter * 64, rows, (ROW_BYTES // 4,), "float32", "float32", False, 1000)


def filled(store: ActivationStore, letter: str, used_at: float, rows: int = 100) -> None:
    manifest = manifest_of(letter, rows)
    entry = store.reserve(manifest)
    write_part(entry.folder, manifest, 0, [np.zeros((rows, ROW_BYTES // 4), np.float32)])
    os.utime(entry.folder / "used", (used_at, used_at))


def letters(store: ActivationStore) -> str:
    return "".join(entry.key[0] for entry in store.entries())


@pytest.fixture
def full(store: ActivationStore) -> ActivationStore:
    """Three entries of 100 kB in a store of 350 kB; b was used longest ago, then c, then a."""
    for letter, used_at in (("a", 3000.0), ("b", 1000.0), ("c", 2000.0)):
        filled(store, letter, used_at)
    return ActivationStore(store.folder, max_gb=350_000 / 1e9)


def test_entries_are_listed_by_their_last_use(full: ActivationStore) -> None:
    assert letters(full) == "bca"
    full.entry("b" * 64).touch()
    assert letters(full) == "cab"
    assert full.entry("b" * 64).faults() == {}


def test_reserve_removes_what_was_used_longest_ago(full: ActivationStore) -> None:
    filled(full, "d", 4000.0)
    assert letters(full) == "cad"
    filled(full, "e", 5000.0, rows=260)
    assert letters(full) == "e"


def test_reserve_counts_what_unfinished_entries_will_take(full: ActivationStore) -> None:
    full.reserve(manifest_of("d", rows=260))  # claimed, nothing written
    assert letters(full) == "d"
    assert full.entry("d" * 64).faults() == {0: "missing"}
    full.reserve(manifest_of("e", rows=80))
    assert letters(full) in ("de", "ed")  # 340 of 350 kB


def test_reserve_never_removes_an_entry_in_use_or_being_written(full: ActivationStore) -> None:
    lease = Lease.take(full.folder, "b" * 64)
    with writing(full.folder, "c" * 64):
        filled(full, "d", 4000.0)
        assert letters(full) == "bcd"
        with pytest.raises(StoreFullError, match=r"need 300 kB and what else is in .* is in use"):
            full.reserve(manifest_of("e", rows=300))
    lease.close()
    full.reserve(manifest_of("e", rows=300))
    assert letters(full) == "e"


def test_reserve_of_more_than_the_store_may_hold_refuses_and_removes_nothing(
    full: ActivationStore,
) -> None:
    with pytest.raises(StoreFullError) as error:
        full.reserve(manifest_of("d", rows=351))
    assert str(error.value) == (
        "they need 351 kB and the store may hold 0.00035 GB: "
        "raise activations.max_gb, or cut later, or set activations.half_precision=true"
    )
    assert letters(full) == "bca"


def test_reserve_on_a_full_disk_says_how_much_is_free(
    full: ActivationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 10**6))
    with pytest.raises(StoreFullError, match=r"need 10 kB and .*store has 1 MB free: choose"):
        full.reserve(manifest_of("d", rows=10))
    assert letters(full) == "bca"


def test_prune_removes_until_the_size_is_right(full: ActivationStore) -> None:
    removed = full.prune(150_000)
    assert [entry.key[0] for entry in removed] == ["b", "c"]
    assert letters(full) == "a"
    assert not list(full.folder.glob(".trash*"))
    assert [e.key[0] for e in full.prune(0)] == ["a"]


def test_prune_finishes_an_interrupted_removal(full: ActivationStore) -> None:
    (full.folder / ".trash-12345678").mkdir()
    full.prune(1e9)
    assert not list(full.folder.glob(".trash*"))
    assert letters(full) == "bca"


def test_remove_while_in_use_changes_nothing(full: ActivationStore) -> None:
    entry = full.entry("a" * 64)
    first, second = (Lease.take(full.folder, entry.key) for _ in range(2))
    assert full.is_in_use(entry)
    assert not full.remove(entry)
    first.close()
    assert not full.remove(entry)
    second.close()
    assert not full.is_in_use(entry)
    assert full.remove(entry)
    assert not full.remove(entry)


def test_unused_keeps_users_out_until_it_ends(full: ActivationStore) -> None:
    with unused(full.folder, "a" * 64) as alone:
        assert alone
        assert Lease.take_alone(full.folder, "a" * 64) is None
    lease = Lease.take_alone(full.folder, "a" * 64)
    assert lease is not None
    lease.close()


def test_verify_removes_damaged_parts_and_tells_which(full: ActivationStore) -> None:
    path = part_path(full.entry("a" * 64).folder, 0)
    before = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\x01")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    entry = full.entry("a" * 64)
    assert entry.faults() == {}  # size and time are right
    assert full.verify(entry) == {0: "its checksum differs"}
    assert entry.faults() == {0: "missing"}
    assert full.verify(full.entry("b" * 64)) == {}


def test_manifest_of_another_layout_makes_every_part_a_fault(full: ActivationStore) -> None:
    entry = full.entry("a" * 64)
    replace(manifest_of("a"), shape=(125, 2, 2)).write(entry.folder)
    assert entry.faults() == {0: "it has 100128 bytes instead of 200128"}


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 kB"), (1500, "1.5 kB"), (4_500_000, "4.5 MB"), (12_340_000_000, "12.3 GB")],
)
def test_size_words(count: int, words: str) -> None:
    assert size_words(count) == words


def test_store_without_a_folder_has_no_entries(tmp_path: Path) -> None:
    assert ActivationStore(tmp_path / "none").entries() == []


def test_reserve_of_what_is_complete_asks_for_no_room(
    full: ActivationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 0))
    full.reserve(manifest_of("a"))
    full.check_room(0)
    assert sorted(letters(full)) == ["a", "b", "c"]


def test_reserve_of_what_was_begun_counts_only_what_is_missing(
    store: ActivationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = replace(manifest_of("a"), rows_per_part=50)
    entry = store.reserve(manifest)
    write_part(entry.folder, manifest, 0, [np.zeros((50, ROW_BYTES // 4), np.float32)])
    assert entry.whole_bytes(manifest) == 50 * ROW_BYTES
    assert entry.whole_bytes(replace(manifest, about={"for": "people"})) == 50 * ROW_BYTES
    assert entry.whole_bytes(replace(manifest, rows_per_part=25)) == 0
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 200_049_999 - 60_000)
    )
    with pytest.raises(StoreFullError, match=r"they need 50 kB and "):
        store.reserve(manifest)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 200_050_000))
    store.reserve(manifest)


def test_lease_of_a_store_on_a_full_disk_is_taken_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlx.activations.store.SPARE_DISK_BYTES", 0)
    with small_disk(tmp_path / "disk", 512) as disk:
        store = ActivationStore(disk / "store")
        filled(store, "a", 1.0)
        fill(disk)
        for letter in "ab":  # b has no lock file yet
            Lease.take(store.folder, letter * 64).close()
        store.entry("a" * 64).touch()
        shutil.rmtree(store.folder / ".locks")
        (store.folder / ".locks").touch()
        with pytest.raises(FileExistsError):
            Lease.take(store.folder, "a" * 64)


def test_verify_of_a_part_whose_place_is_taken_by_a_folder_removes_it(
    full: ActivationStore,
) -> None:
    path = part_path(full.folder / ("a" * 64), 0)
    path.unlink()
    (path / "inside").mkdir(parents=True)
    assert list(full.verify(full.entry("a" * 64))) == [0]
    assert not path.exists()
