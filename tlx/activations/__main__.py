"""List, verify and prune the store of activations: `python -m tlx.activations ls`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tlx.activations.manifest import MANIFEST_FILE
from tlx.activations.parts import MISSING
from tlx.activations.settings import ActivationSettings
from tlx.activations.store import ActivationStore, Entry, size_words
from tlx.errors import TlxError
from tlx.texts.told import tell
from tlx.texts.typed_path import typed_path

WIDTH_WHEN_PIPED = 140
SHOWN_KEY = 12
FOLDER_VARIABLE = "TLX_ACTIVATIONS"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tlx.activations",
        description="Look after the activations that runs keep of their frozen stages.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("ls", help="list the entries, the last used first")
    verify = commands.add_parser(
        "verify", help="check all checksums; damaged parts are removed and computed again when used"
    )
    prune = commands.add_parser(
        "prune", help="remove entries that no run uses, those used longest ago first"
    )
    much = prune.add_mutually_exclusive_group(required=True)
    much.add_argument("--max-gb", type=_size, metavar="GB", help="until this much is left")
    much.add_argument("--all", action="store_true", help="until none is left")
    default = os.environ.get(FOLDER_VARIABLE) or ActivationSettings().folder
    for command in (listing, verify, prune):
        command.add_argument(
            "--folder",
            type=typed_path,
            default=Path(default),
            help=f"the store (default: {default})",
        )
    return parser


def _size(text: str) -> float:
    try:
        size = float(text)
    except ValueError:
        size = -1.0
    if not 0 <= size < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no size in GB; give a number from 0 up")
    return size


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends with status 1 on an error or on damage."""
    given = _parser().parse_args(arguments)
    try:
        store = _store(given.folder)
        if given.command == "ls":
            _list(store)
        elif given.command == "verify":
            _verify(store)
        else:
            _prune(store, 0.0 if given.all else given.max_gb)
    except (TlxError, OSError) as error:
        tell("tlx.activations", error)
        sys.exit(1)


def _store(folder: Path) -> ActivationStore:
    if not folder.is_dir():
        raise TlxError(
            f"there is no store in {folder}. Runs make it when they first keep activations; "
            "name another one with --folder."
        )
    return ActivationStore(folder)


def _list(store: ActivationStore) -> None:
    entries = store.entries()[::-1]
    table = Table(title=f"{len(entries)} entries in {store.folder}")
    for column in ("key", "backbone", "cut", "split"):
        table.add_column(column, no_wrap=True)
    table.add_column("images", justify="right")
    table.add_column("shape, type")
    table.add_column("size", justify="right")
    table.add_column("last used")
    table.add_column("state")
    for entry in entries:
        table.add_row(*_row(store, entry))
    sizes = size_words(sum(entry.bytes_on_disk for entry in entries))
    width = None if sys.stdout.isatty() else WIDTH_WHEN_PIPED
    console = Console(width=width, markup=False, highlight=False)
    console.print(table)
    console.print(f"{sizes} in all", soft_wrap=True)


def _row(store: ActivationStore, entry: Entry) -> tuple[str, ...]:
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used_at))
    size = size_words(entry.bytes_on_disk)
    manifest = entry.manifest
    if manifest is None:
        return (entry.key[:SHOWN_KEY], "?", "?", "?", "?", "?", size, used, "unreadable")
    about = manifest.about
    shape = "x".join(map(str, manifest.shape))
    names = (str(about.get(name, "?")) for name in ("backbone", "cut", "split"))
    return (
        entry.key[:SHOWN_KEY],
        *names,
        f"{manifest.rows:,}",
        f"{shape} {manifest.dtype}",
        size,
        used,
        _state(store, entry, manifest.parts),
    )


def _state(store: ActivationStore, entry: Entry, parts: int) -> str:
    unfinished = len(entry.faults())
    in_use = ", in use" if store.is_in_use(entry) else ""
    return (f"{parts - unfinished} of {parts} parts" if unfinished else "complete") + in_use


def _verify(store: ActivationStore) -> None:
    damaged = 0
    entries = store.entries()
    for entry in entries:
        for fault in _faults(store, entry):
            damaged += 1
            print(f"{entry.key[:SHOWN_KEY]} {fault}")
    unfinished = sum(MISSING in entry.faults().values() for entry in entries)
    if damaged:
        raise TlxError(f"{damaged} damaged parts removed; they are computed again when next used.")
    print(f"{len(entries)} entries, {unfinished} of them unfinished, no damage")


def _faults(store: ActivationStore, entry: Entry) -> Iterator[str]:
    """Check an entry, and yield what was wrong."""
    if entry.manifest is None and (entry.folder / MANIFEST_FILE).exists():
        yield f"{MANIFEST_FILE} is damaged, and written anew when the entry is next used"
    try:
        for index, fault in sorted(store.verify(entry).items()):
            yield f"part {index + 1}: {fault}"
    except OSError as error:
        yield f"cannot be checked ({error})"


def _prune(store: ActivationStore, max_gb: float) -> None:
    before = {entry.key: entry.bytes_on_disk for entry in store.entries()}
    removed = store.prune(max_gb * 1e9)
    freed = size_words(sum(before[entry.key] for entry in removed))
    left = store.entries()
    sizes = size_words(sum(entry.bytes_on_disk for entry in left))
    print(f"removed {len(removed)} entries ({freed}); {len(left)} left ({sizes})")
    if sum(entry.claimed_bytes for entry in left) > max_gb * 1e9:
        print("what is left is in use")


if __name__ == "__main__":
    main()
