"""A task made of decoded images: the bad ones dealt with, the good ones dealt out."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from tlx.data.images.overlaps import without_overlaps
from tlx.data.images.stored.mapped_images import fits_in_memory, rows_of
from tlx.data.splits import task_fingerprint
from tlx.data.splitting import Positions
from tlx.data.task import Split, Task, splits_of
from tlx.errors import ConfigError, TlxError
from tlx.texts.names import shown_name

if TYPE_CHECKING:
    from tlx.data.images.listing import Listing
    from tlx.data.images.stored.decoded import DecodedImages
    from tlx.data.images.stored.stored_form import StoredForm
    from tlx.data.splitting import Splitting

MOST_BAD = 10
log = logging.getLogger("tlx")


class Handling(Protocol):
    """How decoded images are dealt out, and what becomes of bad ones."""

    @property
    def splitting(self) -> Splitting:
        """How they are dealt out."""

    @property
    def corrupt(self) -> str:
        """`fail` or `skip`: what becomes of files that cannot be decoded."""

    @property
    def overlap(self) -> str:
        """`refuse` or `drop`: what becomes of images that two splits have."""

    @property
    def memory(self) -> str:
        """`auto`, `load` or `map`: where the pixels are held."""


def stored_task(
    name: str,
    listing: Listing,
    decoded: DecodedImages,
    options: Handling,
    form: StoredForm,
    *,
    refuses_overlaps: bool = True,
) -> Task:
    """Return the task that a listing's decoded images make.

    Args:
        name: The task's name.
        listing: The images.
        decoded: Their pixels, in the same order.
        options: How they are dealt out, and what becomes of bad ones.
        form: How they are stored.
        refuses_overlaps: Whether splits with files in common are no good.

    Raises:
        TlxError: Where files are corrupt or splits overlap, and this is not to be.
        ConfigError: Where what is left of a class is too little.
    """
    bad = {listing.names[row]: reason for row, reason in sorted(decoded.faults.items())}
    if bad and options.corrupt == "fail":
        raise TlxError(_bad_files(bad, len(listing)))
    parts = _dealt(listing, decoded, options)
    dropped: list[str] = []
    if refuses_overlaps:
        drop = options.overlap == "drop"
        parts, dropped = without_overlaps(parts, decoded.digests, listing.names, drop=drop)
    size_bytes = sum(map(len, parts)) * int(np.prod(decoded.pixels.shape[1:]))
    in_memory = options.memory == "load" or (
        options.memory == "auto" and fits_in_memory(size_bytes)
    )
    train, val, test = (_split(listing, decoded, rows, in_memory=in_memory) for rows in parts)
    about = _about(listing, decoded, form, bad=bad, dropped=dropped, in_memory=in_memory)
    _tell(name, about, listing)
    notice = decoded.levels.notice(form.depth)
    if notice is not None:
        log.warning("%s", notice)
    splits = splits_of(train, val, test)
    fingerprint = task_fingerprint(splits)
    return Task(name, listing.class_names, splits, fingerprint, about)


def _dealt(listing: Listing, decoded: DecodedImages, options: Handling) -> tuple[Positions, ...]:
    good = np.setdiff1d(np.arange(len(listing)), list(decoded.faults)).astype(np.int64)
    usable = listing.rows(good)
    faults = options.splitting.class_faults(usable.labels, usable.given, usable.class_names)
    if faults:
        raise ConfigError(faults)
    dealt = options.splitting.positions(usable.labels, usable.given, usable.numbers)
    return tuple(good[part] for part in dealt)


def _split(listing: Listing, decoded: DecodedImages, rows: Positions, *, in_memory: bool) -> Split:
    ids = torch.from_numpy(rows)
    pixels = torch.from_numpy(decoded.pixels)
    labels = torch.from_numpy(listing.labels[rows])
    return Split(rows_of(pixels, ids, in_memory=in_memory), labels, ids)


def _about(
    listing: Listing,
    decoded: DecodedImages,
    form: StoredForm,
    *,
    bad: dict[str, str],
    dropped: list[str],
    in_memory: bool,
) -> dict[str, Any]:
    return {
        "root": str(listing.root),
        "files": len(listing),
        **({"left_out": listing.account.to_dict()} if listing.account is not None else {}),
        **({"notices": list(listing.notices)} if listing.notices else {}),
        "stored": list(decoded.pixels.shape[1:]),
        "form": form.to_dict(),
        "modes": decoded.modes,
        "deep_levels": asdict(decoded.levels),
        "skipped": bad,
        "dropped": dropped,
        "decoded_now": decoded.decoded_now,
        "in_memory": in_memory,
    }


def _tell(name: str, about: dict[str, Any], listing: Listing) -> None:
    files, account = len(listing), listing.account
    if account is not None:
        log.info("%s: %s", shown_name(name), account.sentence())
    for notice in listing.notices:
        log.warning("%s: %s", shown_name(name), notice)
    modes = {mode: count for mode, count in about["modes"].items() if mode != "RGB"}
    if modes and about["stored"][0] != 1:
        counts = ", ".join(f"{count} {mode}" for mode, count in sorted(modes.items()))
        log.info("%d of %d images are converted to RGB: %s", sum(modes.values()), files, counts)
    if about["skipped"]:
        log.warning("skipped %s", _listed(about["skipped"]))
    if about["dropped"]:
        log.warning("dropped %d images that another split has too", len(about["dropped"]))


def _bad_files(bad: dict[str, str], files: int) -> str:
    return (
        f"{len(bad)} of {files} image files cannot be used: {_listed(bad)}. "
        "Repair or remove them, or leave them out with data.corrupt=skip."
    )


def _listed(bad: dict[str, str]) -> str:
    shown = "; ".join(f"{name}: {reason}" for name, reason in list(bad.items())[:MOST_BAD])
    return shown + (f"; and {len(bad) - MOST_BAD} more" if len(bad) > MOST_BAD else "")
