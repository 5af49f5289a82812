"""A finished run as a notebook shows it: its scores, and its pictures inline."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

COUNT: Final = "samples"
"""The score that counts, and is no share or distance."""


@dataclass(frozen=True)
class Picture:
    """A picture in a run's folder, shown inline where it is the value of a notebook's cell.

    Args:
        path: The file, PNG.
    """

    path: Path

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()

    def to_html(self) -> str:
        """Return the picture as an HTML element that holds all of it."""
        data = base64.b64encode(self.path.read_bytes()).decode("ascii")
        return (
            f'<img alt="{escape(self.path.stem, quote=True)}" src="data:image/png;base64,{data}">'
        )


def run_html(
    folder: Path,
    status: str,
    scores: Mapping[str, Mapping[str, float]],
    pictures: Sequence[Picture],
) -> str:
    """Return a run as HTML, in which every text is escaped.

    Args:
        folder: The run's folder.
        status: `completed`, `failed` or `running`.
        scores: By split, then by name.
        pictures: What to show below the scores.
    """
    names = list(dict.fromkeys(name for split in scores.values() for name in split))
    head = "".join(f"<th>{escape(split)}</th>" for split in scores)
    rows = "".join(
        f"<tr><td>{escape(name)}</td>{_cells(scores.values(), name)}</tr>" for name in names
    )
    table = f"<table><tr><th></th>{head}</tr>{rows}</table>" if scores else ""
    shown = "".join(picture.to_html() for picture in pictures)
    return f"<p><code>{escape(str(folder))}</code>: {escape(status)}</p>{table}{shown}"


def _cells(splits: Any, name: str) -> str:
    written = (_written(name, split[name]) if name in split else "" for split in splits)
    return "".join(f"<td>{cell}</td>" for cell in written)


def _written(name: str, score: float) -> str:
    return f"{score:.0f}" if name == COUNT else f"{score:.4f}"
