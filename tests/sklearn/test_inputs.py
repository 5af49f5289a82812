from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tests.sklearn.given import blobs, digits, quick
from tlx.sklearn import TransferClassifier
from tlx.sklearn.faults import InputError
from tlx.sklearn.inputs import VALID, as_pixels, read_inputs


def read(given: Any, column: str | None = None) -> Any:
    return read_inputs(TransferClassifier(), given, column, fits=True)


def pixels(*shape: int) -> Any:
    return np.arange(np.prod(shape), dtype=np.int64).reshape(shape).astype(np.uint8)


def test_pixels_of_three_axes_are_grey() -> None:
    images = pixels(2, 4, 5)
    assert as_pixels(images).shape == (2, 1, 4, 5)
    assert np.array_equal(as_pixels(images)[1, 0], images[1])


@pytest.mark.parametrize(
    ("shape", "channels_first"),
    [((2, 4, 5, 3), False), ((2, 3, 4, 5), True), ((2, 1, 4, 5), True), ((2, 3, 3, 5), True)],
)
def test_pixels_of_four_axes_have_their_colours_where_three_or_one_stand(
    shape: tuple[int, ...], channels_first: bool
) -> None:
    images = pixels(*shape)
    expected = images if channels_first else images.transpose(0, 3, 1, 2)
    assert np.array_equal(as_pixels(images), expected)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (
            pixels(2, 3, 8, 3),
            "X of shape (2, 3, 8, 3) may have its channels first or last. Give images that are no "
            "3 pixels wide, or 1 or 3 high, or write them to files and give their paths.",
        ),
        (pixels(2, 8, 8, 1), f"X of shape (2, 8, 8, 1) has no axis of 1 or 3 channels. {VALID}"),
        (
            np.zeros((2, 8, 8)),
            "X has 3 axes, as images have, and is float64. Images are uint8 from 0 to 255: convert "
            f"it with .astype('uint8') once it has that range. {VALID}",
        ),
        (pixels(0, 8, 8), f"X of shape (0, 8, 8) has no pixels. {VALID}"),
    ],
)
def test_pixels_that_cannot_be_told_are_refused(images: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        as_pixels(images)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    "given",
    [
        ["a.png", "b.png"],
        (Path("a.png"), Path("b.png")),
        np.array(["a.png", "b.png"]),
        np.array([["a.png"], ["b.png"]], dtype=object),
        pd.Series(["a.png", "b.png"]),
        pd.DataFrame({"path": ["a.png", "b.png"]}),
    ],
    ids=["list", "tuple", "array", "column", "series", "frame"],
)
def test_paths_are_taken_from_what_holds_them(given: Any) -> None:
    found = read(given)
    assert (found.kind, found.values) == ("files", (Path("a.png"), Path("b.png")))


def test_paths_of_a_named_column_leave_the_others_alone() -> None:
    frame = pd.DataFrame({"n": [1, 2], "file": ["a.png", "b.png"]})
    assert read(frame, "file").values == (Path("a.png"), Path("b.png"))


@pytest.mark.parametrize(
    ("frame", "column", "said"),
    [
        (
            pd.DataFrame({"n": [1, 2], "file": ["a", "b"]}),
            None,
            "X has 2 columns, of which 'file' holds texts. Where these are paths of images, say "
            "image_column='file'; where they are categories, encode them first.",
        ),
        (
            pd.DataFrame({"n": [1, 2]}),
            "file",
            "image_column='file': X has no such column. It has 'n'.",
        ),
        (
            pd.DataFrame({"file": ["a", None]}),
            "file",
            "1 of 2 rows have no path of an image, the first of them row 1 (None). Fill them in, "
            "or leave these rows out.",
        ),
        (["a"], "file", "image_column='file' names a column, and X is no DataFrame."),
    ],
)
def test_columns_that_hold_no_paths_are_refused(frame: Any, column: str | None, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read(frame, column)
    assert str(caught.value) == said


def test_rows_are_float64_and_sparse_ones_are_refused() -> None:
    found = read([[1, 2], [3, 4]])
    assert (found.kind, found.values.dtype) == ("rows", np.float64)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        read(csr_matrix(np.eye(3)))


@pytest.mark.parametrize(
    "given", [np.arange(3), np.zeros((2, 2, 2, 2, 2)), "photos", {"a": 1}, None]
)
def test_what_the_estimators_cannot_take_is_refused_with_the_choices(given: Any) -> None:
    with pytest.raises((InputError, TypeError)) as caught:
        read(given)
    assert str(caught.value).endswith(VALID)


def test_predict_of_another_kind_than_fitted_is_refused() -> None:
    rows, labels = blobs()
    model = TransferClassifier(epochs=1, random_state=0).fit(rows, labels)
    with pytest.raises(InputError) as caught:
        model.predict(digits(4)[0])
    assert str(caught.value) == (
        "X holds pixels, and TransferClassifier was fitted on rows. Give it the same."
    )


def test_fit_on_files_names_those_that_give_no_image(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    paths = [str(tmp_path / name) for name in ("text.png", "absent.png")] * 2
    with pytest.raises(ValueError) as caught:
        TransferClassifier(**quick()).fit(paths, [0, 1, 0, 1])
    told = str(caught.value)
    assert told.startswith("4 of 4 files give no image: ")
    assert f"{tmp_path / 'text.png'}: it is no image that PIL can read" in told
    assert f"{tmp_path / 'absent.png'}: No such file or directory" in told
    assert told.endswith("Correct or leave out these paths.")
