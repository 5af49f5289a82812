"""The files of a listing, decoded."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tlx.data.images.files.image_file import read_image
from tlx.data.images.stored.decoded import DecodedImages, Decoding, decoded_images
from tlx.errors import TlxError

if TYPE_CHECKING:
    from tlx.data.images.listing import Listing
    from tlx.data.images.stored.stored_form import StoredForm


def decoded_files(
    listing: Listing, form: StoredForm, *, min_side: int, threads: int | None, cache: Path
) -> DecodedImages:
    """Return the images of all files, from the cache or decoded now.

    Args:
        listing: The files.
        form: How they are stored.
        min_side: How small they may be, in pixels.
        threads: CPU threads that decode; None takes the CPUs this process may use.
        cache: The folder that keeps what is decoded.

    Raises:
        TlxError: Where a file has gone since it was listed.
    """
    from tlx.machine import usable_cpus

    root = listing.root
    try:
        stats = [(root / name).stat() for name in listing.names]
    except OSError as error:
        raise TlxError(
            f"{error.filename} cannot be read ({error.strerror}). Start again."
        ) from error
    return decoded_images(
        Decoding(
            count=len(listing),
            shape=(3, form.size, form.size),
            depends_on={
                "root": str(root.resolve()),
                "files": listing.names,
                "bytes": [stat.st_size for stat in stats],
                "changed": [stat.st_mtime_ns for stat in stats],
                "form": asdict(form),
                "min_side": min_side,
            },
            decode=lambda row: read_image(root / listing.names[row], form, min_side),
            threads=threads or usable_cpus(),
        ),
        cache,
    )
