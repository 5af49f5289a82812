"""What X is: rows of numbers, pixels, or paths of image files. All else is refused."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from tlx.sklearn.faults import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator

    from tlx.data.in_memory.examples import Kind

VALID = (
    "Give rows of numbers (n, columns), uint8 pixels (n, h, w), (n, h, w, 3) or "
    "(n, channels, h, w) with 1 or 3 channels, or paths of image files: a list, or one column."
)
COLOURS = (1, 3)
ROW_AXES = 2
NO_ARRAYS = (str, bytes, dict, set)
"""By type alone: one of SciPy's sparse arrays is a `dict`, and scikit-learn says what is wrong."""


@dataclass(frozen=True)
class Inputs:
    """Examples as tlx takes them.

    Args:
        values: float64 rows (n, columns), uint8 pixels (n, channels, h, w), or n paths.
        kind: `rows`, `pixels` or `files`.
    """

    values: NDArray[Any] | tuple[Path, ...]
    kind: Kind

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.values)


def is_frame(given: Any) -> bool:
    """Return whether something is a table of pandas."""
    return hasattr(given, "iloc") and hasattr(given, "columns")


def read_inputs(estimator: BaseEstimator, given: Any, column: str | None, *, fits: bool) -> Inputs:
    """Return what X holds, and note or check its columns on the estimator.

    Args:
        estimator: Whose `n_features_in_` and `feature_names_in_` are set, or checked.
        given: X.
        column: The column of a table that holds the paths of images.
        fits: Whether X is what the estimator is fitted on.

    Raises:
        InputError: Where it is none of what the estimators take.
        ValueError: Where scikit-learn finds fault with it.
        TypeError: Where it is sparse, say.
    """
    if given is None or type(given) in NO_ARRAYS:
        raise InputError(f"X is of type {type(given).__name__}. {VALID}")
    paths = _paths(given, column)
    if paths is not None:
        table = is_frame(given)
        validate_data(estimator, given, reset=fits, skip_check_array=True, ensure_2d=table)
        return Inputs(_as_paths(paths), "files")
    if not is_frame(given) and getattr(given, "ndim", 2) in (3, 4):
        return Inputs(as_pixels(np.asarray(given)), "pixels")
    return Inputs(_rows(estimator, given, fits=fits), "rows")


def _rows(estimator: BaseEstimator, given: Any, *, fits: bool) -> NDArray[np.float64]:
    try:
        rows: NDArray[np.float64] = validate_data(estimator, given, reset=fits, dtype=np.float64)
    except ValueError as error:
        if _axes(given) == ROW_AXES:
            raise
        raise InputError(f"{str(error).rstrip('.')}. {VALID}") from error
    return rows


def _axes(given: Any) -> int:
    if isinstance(given, list | tuple):
        return np.asarray(given, dtype=object).ndim
    return int(getattr(given, "ndim", 0))


def _paths(given: Any, column: str | None) -> list[Any] | None:
    """Return the cells that are paths of images, or None where X holds something else."""
    if column is not None:
        return _named_column(given, column)
    if is_frame(given):
        texts = [name for name in given.columns if _are_paths(given[name].tolist())]
        if not texts:
            return None
        if len(given.columns) > 1:
            raise InputError(
                f"X has {len(given.columns)} columns, of which {texts[0]!r} holds texts. Where "
                f"these are paths of images, say image_column={texts[0]!r}; where they are "
                "categories, encode them first."
            )
        return list(given[texts[0]])
    return _listed_paths(given)


def _named_column(given: Any, column: str) -> list[Any]:
    if not is_frame(given):
        raise InputError(f"image_column={column!r} names a column, and X is no DataFrame.")
    if column not in given.columns:
        found = ", ".join(map(repr, given.columns[:20]))
        raise InputError(f"image_column={column!r}: X has no such column. It has {found}.")
    return list(given[column])


def _listed_paths(given: Any) -> list[Any] | None:
    if isinstance(given, list | tuple):
        return list(given) if _are_paths(given) else None
    values = np.asarray(given) if hasattr(given, "dtype") and hasattr(given, "__len__") else None
    if values is None or values.dtype.kind not in "OUST" or values.ndim > 2:
        return None
    flat = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    return flat.tolist() if flat.ndim == 1 and _are_paths(flat.tolist()) else None


def _are_paths(cells: Sequence[Any]) -> bool:
    return len(cells) > 0 and all(isinstance(one, str | os.PathLike) for one in cells)


def _as_paths(cells: Sequence[Any]) -> tuple[Path, ...]:
    bad = [place for place, one in enumerate(cells) if not isinstance(one, str | os.PathLike)]
    if bad:
        raise InputError(
            f"{len(bad)} of {len(cells)} rows have no path of an image, the first of them row "
            f"{bad[0]} ({cells[bad[0]]!r}). Fill them in, or leave these rows out."
        )
    return tuple(Path(one) for one in cells)


def as_pixels(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images as uint8 pixels (n, channels, h, w).

    Three axes are (n, h, w). Of four, colours stand last where the last axis has 3 entries, and
    first where the second one has 1 or 3; where both could be, nothing is guessed.

    Args:
        images: Three or four axes.

    Raises:
        InputError: Where they are no such images.
    """
    if images.dtype != np.uint8:
        raise InputError(
            f"X has {images.ndim} axes, as images have, and is {images.dtype}. Images are uint8 "
            f"from 0 to 255: convert it with .astype('uint8') once it has that range. {VALID}"
        )
    if 0 in images.shape:
        raise InputError(f"X of shape {images.shape} has no pixels. {VALID}")
    if images.ndim == 3:
        return images[:, None]
    first, last = images.shape[1] in COLOURS, images.shape[3] == COLOURS[-1]
    if first and last:
        raise InputError(
            f"X of shape {images.shape} may have its channels first or last. Give images that are "
            "no 3 pixels wide, or 1 or 3 high, or write them to files and give their paths."
        )
    if not (first or last):
        raise InputError(f"X of shape {images.shape} has no axis of 1 or 3 channels. {VALID}")
    return images if first else np.moveaxis(images, 3, 1)


def columns_of(estimator: Any) -> tuple[tuple[str, ...], bool]:
    """Return the names of the columns that an estimator saw, and whether X named them."""
    named = getattr(estimator, "feature_names_in_", None)
    if named is not None:
        return tuple(map(str, named)), True
    return tuple(f"x{place}" for place in range(estimator.n_features_in_)), False


def read_targets(given: Any) -> NDArray[Any]:
    """Return y as one axis (n,), as scikit-learn does."""
    values: NDArray[Any] = column_or_1d(given, warn=True)
    return values
