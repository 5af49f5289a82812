"""The folder of the activation store: its entries, their size, and who goes when it is full."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from tlx.activations.locks import unused, writing
from tlx.activations.manifest import Manifest, read_manifest
from tlx.activations.parts import MISSING, fault_of_part, forget_part
from tlx.errors import TlxError

USED_FILE = "used"
TRASH = ".trash-"
KEY_LENGTH = 64
SPARE_DISK_BYTES = 200_000_000
"""Left free on the disk for everything else a run writes."""


class StoreFullError(TlxError):
    """Activations do not fit into the store or on its disk."""


@dataclass(frozen=True)
class Entry:
    """One split's activations at one cut, as far as they have been computed.

    Args:
        folder: Its folder, named by its key.
    """

    folder: Path

    @property
    def key(self) -> str:
        """The entry's key."""
        return self.folder.name

    @property
    def manifest(self) -> Manifest | None:
        """The entry's layout, read anew; None where it has none."""
        return read_manifest(self.folder)

    @property
    def used_at(self) -> float:
        """When the entry was last opened, in seconds since 1970; 0 where it is gone."""
        for path in (self.folder / USED_FILE, self.folder):
            try:
                return path.stat().st_mtime
            except OSError:
                continue
        return 0.0

    @property
    def claimed_bytes(self) -> int:
        """Bytes the entry holds or will hold once it is finished."""
        manifest = self.manifest
        return max(self.bytes_on_disk, manifest.bytes if manifest else 0)

    @property
    def bytes_on_disk(self) -> int:
        """Bytes of the entry's files."""
        total = 0
        for path in self.folder.glob("*"):
            try:
                total += path.stat().st_size
            except OSError:  # another process has just removed or renamed it
                continue
        return total

    def whole_bytes(self, manifest: Manifest) -> int:
        """Return the bytes of the parts that are there, of those that a manifest asks for."""
        found = self.manifest
        if found is None or replace(found, about={}) != replace(manifest, about={}):
            return 0
        missing = self.faults()
        whole = (len(manifest.rows_of(i)) for i in range(manifest.parts) if i not in missing)
        return sum(whole) * manifest.row_bytes

    def faults(self, *, checksum: bool = False) -> dict[int, str]:
        """Return what is wrong, by part; parts that were never finished are `MISSING`."""
        manifest = self.manifest
        if manifest is None:
            return {0: MISSING}
        found = {
            index: fault_of_part(self.folder, manifest, index, checksum=checksum)
            for index in range(manifest.parts)
        }
        return {index: fault for index, fault in found.items() if fault is not None}

    def touch(self) -> None:
        """Note that the entry is being used now; on a full disk it stays as it was."""
        with suppress(OSError):
            (self.folder / USED_FILE).touch()


class ActivationStore:
    """A folder of entries, shared by processes, bounded in size.

    Args:
        folder: The store's folder; made where it does not exist.
        max_gb: Most that it may hold, in 10^9 bytes.
    """

    def __init__(self, folder: Path, max_gb: float = 20.0) -> None:
        self.folder = folder
        self.max_gb = max_gb

    def entry(self, key: str) -> Entry:
        """Return the entry of a key, whether or not it exists."""
        return Entry(self.folder / key)

    def entries(self) -> list[Entry]:
        """Return all entries, the one used longest ago first."""
        folders = self.folder.iterdir() if self.folder.is_dir() else ()
        found = [Entry(f) for f in folders if len(f.name) == KEY_LENGTH and f.is_dir()]
        return sorted(found, key=lambda entry: entry.used_at)

    def reserve(self, manifest: Manifest) -> Entry:
        """Make room for an entry and begin it; what others prune or reserve waits meanwhile.

        Raises:
            StoreFullError: Where it cannot fit.
            OSError: Where the folder cannot be written.
        """
        with writing(self.folder, "room"):
            entry = self.entry(manifest.key)
            claimed = entry.claimed_bytes if entry.folder.is_dir() else 0
            missing = manifest.bytes - entry.whole_bytes(manifest)
            self._make_room(max(0, manifest.bytes - claimed), missing, manifest.key)
            entry.folder.mkdir(parents=True, exist_ok=True)
            manifest.write(entry.folder)
            entry.touch()
        return entry

    def check_room(self, needed: int) -> None:
        """Raise where so many bytes could not fit, however much were removed.

        Args:
            needed: Bytes.

        Raises:
            StoreFullError: With the reason and the remedy.
        """
        if needed <= 0:
            return
        if needed > self.max_gb * 1e9:
            raise StoreFullError(
                f"they need {size_words(needed)} and the store may hold {self.max_gb:g} GB: "
                "raise activations.max_gb, or cut later, or set activations.half_precision=true"
            )
        removable = sum(entry.bytes_on_disk for entry in self.entries())
        if needed + SPARE_DISK_BYTES > self._free_bytes() + removable:
            raise StoreFullError(
                f"they need {size_words(needed)} and {self.folder} has "
                f"{size_words(self._free_bytes())} free: choose another activations.folder"
            )

    def prune(self, max_bytes: float, *, free_bytes: int = 0, keep: str = "") -> list[Entry]:
        """Remove entries that nobody uses, the one used longest ago first.

        Args:
            max_bytes: Stop once all that is left claims no more than this.
            free_bytes: And once the disk has this much free.
            keep: The key of an entry that stays.

        Returns:
            The entries removed.
        """
        self._sweep_up()
        removed = []
        for entry in self.entries():
            if self._claimed_bytes() <= max_bytes and self._free_bytes() >= free_bytes:
                break
            if entry.key != keep and self.remove(entry):
                removed.append(entry)
        return removed

    def remove(self, entry: Entry) -> bool:
        """Remove an entry unless somebody writes or uses it; returns whether it was removed."""
        with unused(self.folder, entry.key) as alone:
            if not alone or not entry.folder.is_dir():
                return False
            trash = self.folder / f"{TRASH}{uuid4().hex[:8]}"
            entry.folder.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)
        return True

    def is_in_use(self, entry: Entry) -> bool:
        """Return whether somebody writes or uses an entry at this moment."""
        with unused(self.folder, entry.key) as alone:
            return not alone

    def verify(self, entry: Entry) -> dict[int, str]:
        """Check an entry's checksums; remove damaged parts, so that they are computed again.

        Returns:
            What was wrong, by part; parts which were never finished are left out.
        """
        with writing(self.folder, entry.key):
            faults = {i: f for i, f in entry.faults(checksum=True).items() if f != MISSING}
            for index in faults:
                forget_part(entry.folder, index)
        return faults

    def _make_room(self, unclaimed: int, needed: int, key: str) -> None:
        """Prune until an entry fits: what it has not claimed yet, and what is not written yet."""
        if needed <= 0:
            return
        self.check_room(needed)
        limit, free = self.max_gb * 1e9 - unclaimed, needed + SPARE_DISK_BYTES
        self.prune(limit, free_bytes=free, keep=key)
        if self._claimed_bytes() > limit or self._free_bytes() < free:
            raise StoreFullError(
                f"they need {size_words(needed)} and what else is in {self.folder} is in use"
            )

    def _sweep_up(self) -> None:
        """Finish removals that were interrupted."""
        for trash in self.folder.glob(f"{TRASH}*"):
            shutil.rmtree(trash, ignore_errors=True)

    def _claimed_bytes(self) -> int:
        return sum(entry.claimed_bytes for entry in self.entries())

    def _free_bytes(self) -> int:
        existing = next(p for p in (self.folder, *self.folder.absolute().parents) if p.exists())
        return shutil.disk_usage(existing).free


def size_words(count: int) -> str:
    """Return a number of bytes in GB, MB or kB of three digits."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"
