"""`python -m tlx.predict RUN --input FOLDER|TABLE --output FILE`: a run's model on new images.

The output has one row per image, in the input's order: row, path, predicted, confidence, p_<class>
for each class, and error, which says why a row has no prediction; where none has one, the command
ends with status 1. Broken off, the same command goes on where it stopped. For a run on a table of
features, TABLE has the same columns as that one.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlx.errors import TlxError
from tlx.texts.log_format import SafeFormatter
from tlx.texts.told import tell
from tlx.texts.typed_path import typed_path

if TYPE_CHECKING:
    from tlx.inference.run import Predicted


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tlx.predict",
        description=(__doc__ or "").partition("\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=typed_path, metavar="RUN", help="the folder of a completed run")
    parser.add_argument(
        "--input", type=typed_path, required=True, metavar="FOLDER|TABLE",
        help="a folder of images, or a .csv or .parquet table with a column of their paths",
    )  # fmt: skip
    parser.add_argument(
        "--output",
        type=typed_path,
        required=True,
        metavar="FILE",
        help="the predictions, .parquet or .csv",
    )
    parser.add_argument("--path-column", default="path", metavar="NAME", help="default: path")
    parser.add_argument(
        "--root", type=typed_path, metavar="FOLDER",
        help="where a table's relative paths start and all must lie; default: the table's folder",
    )  # fmt: skip
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument(
        "--batch-size", type=_positive, default=64, metavar="N", help="images at a time (64)"
    )
    parser.add_argument(
        "--part-rows", type=_positive, default=4096, metavar="N",
        help="rows written at a time, into OUTPUT.parts (4096)",
    )  # fmt: skip
    parser.add_argument("--threads", type=_positive, metavar="N", help="default: all CPUs")
    parser.add_argument(
        "--overwrite", action="store_true", help="start anew, whatever OUTPUT holds already"
    )
    parser.add_argument("--debug", action="store_true", help="show the full traceback of an error")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    given = _parser().parse_args(arguments)
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(SafeFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console])
    try:
        report(given)
    except KeyboardInterrupt:
        print("tlx.predict: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except (TlxError, OSError) as error:
        if given.debug:
            raise
        tell("tlx.predict", error)
        sys.exit(1)


def report(given: argparse.Namespace) -> None:
    """Predict as the command line asks, and say how it went."""
    from tlx.data.tables.features.preparation import PREPARATION_FILE
    from tlx.inference.run import predict_files

    if (given.run / PREPARATION_FILE).is_file():
        _report_rows(given)
        return
    done = predict_files(
        given.run,
        given.input,
        given.output,
        path_column=given.path_column,
        root=given.root,
        device=given.device,
        batch_size=given.batch_size,
        part_rows=given.part_rows,
        threads=given.threads,
        overwrite=given.overwrite,
    )
    _tell(done, "images")


def _tell(done: Predicted, examples: str) -> None:
    """Say how it went.

    Raises:
        TlxError: Where no row has a prediction.
    """
    print(
        f"{done.output}: {done.rows} {examples}, {done.errors} with an error (see its column error)"
    )
    if done.kept_rows:
        print(f"{done.kept_rows} of them had been predicted before")
    if done.failed:
        raise TlxError(
            f"none of the {done.rows} {examples} has a prediction; {done.output} says why for "
            f"each. The first: {done.first_error}."
        )


def _report_rows(given: argparse.Namespace) -> None:
    from tlx.inference.run import chosen_device
    from tlx.inference.table import predict_rows

    device = chosen_device(given.device)
    done = predict_rows(
        given.run,
        given.input,
        given.output,
        device=device,
        part_rows=given.part_rows,
        overwrite=given.overwrite,
    )
    _tell(done, "rows")


if __name__ == "__main__":
    main()
