"""What an entry of the store holds, written beside its parts. No torch is needed to read it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from tlx.runs.atomic import write_json
from tlx.runs.record_file import read_record
from tlx.runs.stored import DamagedFileError

MANIFEST_FILE = "entry.json"
STORED_TYPES = ("float32", "float16", "float64", "int16")
COMPUTED_TYPES = ("float32", "float16", "float64", "bfloat16")
MOST_PARTS, MOST_BYTES = 1_000_000, 2**60


@dataclass(frozen=True)
class Manifest:
    """The layout of one entry: one split's activations at one cut.

    Args:
        key: The entry's key, which is its folder's name too.
        rows: Images.
        shape: Shape of one image's activations.
        dtype: torch's name of the type in which they were computed (`bfloat16`).
        stored: numpy's name of the type in which they are kept; `int16` holds the bits of
            `bfloat16`, which numpy does not know.
        channels_last: Whether the network lays such activations out channels last.
        rows_per_part: Images in each part but the last.
        about: What the key was made of, for people.
    """

    key: str
    rows: int
    shape: tuple[int, ...]
    dtype: str
    stored: str
    channels_last: bool
    rows_per_part: int
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def row_bytes(self) -> int:
        """Bytes of one image's activations."""
        return int(prod(self.shape)) * np.dtype(self.stored).itemsize

    @property
    def bytes(self) -> int:
        """Bytes of all activations."""
        return self.rows * self.row_bytes

    @property
    def parts(self) -> int:
        """Number of parts."""
        return -(-self.rows // self.rows_per_part)

    def rows_of(self, index: int) -> range:
        """Return the images of a part."""
        first = index * self.rows_per_part
        return range(first, min(self.rows, first + self.rows_per_part))

    def part_shape(self, index: int) -> tuple[int, ...]:
        """Return the shape of a part's array."""
        return (len(self.rows_of(index)), *self.shape)

    def write(self, folder: Path) -> None:
        """Write the manifest into an entry's folder, atomically."""
        write_json(folder / MANIFEST_FILE, asdict(self))


def read_manifest(folder: Path) -> Manifest | None:
    """Read an entry's manifest; None where there is none, or none that can be believed."""
    try:
        manifest = read_record(folder / MANIFEST_FILE, Manifest)
    except (OSError, DamagedFileError):
        return None
    sizes = (manifest.rows, manifest.rows_per_part, *manifest.shape)
    is_sound = min(sizes) > 0 and manifest.parts <= MOST_PARTS and manifest.bytes <= MOST_BYTES
    types = manifest.stored in STORED_TYPES and manifest.dtype in COMPUTED_TYPES
    return manifest if is_sound and types and manifest.key == folder.name else None
