"""Models that come with tlx, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from tlx.texts.file_paths import PathOption

SHIPPED_FOLDER: Final = Path(__file__).parents[1] / "shipped"


def shipped_names() -> tuple[str, ...]:
    """Return the names of the models that come with tlx, in alphabetical order."""
    return tuple(sorted(path.stem for path in SHIPPED_FOLDER.glob("*.safetensors")))


def shipped_path(name: str) -> Path:
    """Return the file of a model that comes with tlx."""
    return SHIPPED_FOLDER / f"{name}.safetensors"


WeightsPath = Annotated[str, PathOption(may_be_name=True, shipped=shipped_names)]
"""A file of weights or the folder of a run; or the name of weights."""
