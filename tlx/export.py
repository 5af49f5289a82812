"""`python -m tlx.export RUN --format FORMAT`: a run's model for other programs, checked.

onnx and torch_export take uint8 RGB pixels (batch, 3, height, width) of a fixed size and any batch
size, and have the input pipeline inside; safetensors holds weights and a card that tells the
pipeline. Models of tables take features (batch, d), float32, which the preparation written beside
them makes of rows. The file's logits are compared with the model's on random examples before it is
put in place. A model card in Markdown is written beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tlx.errors import TlxError
from tlx.texts.shown import shown
from tlx.texts.told import tell
from tlx.texts.typed_path import typed_path

FORMATS = ("onnx", "torch_export", "safetensors")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tlx.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=typed_path, metavar="RUN", help="the folder of a completed run")
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument(
        "--output",
        type=typed_path,
        metavar="FILE",
        help="default: RUN/exports/<task>_<backbone>.<suffix>",
    )
    parser.add_argument(
        "--image-size", type=_size, metavar="PIXELS", dest="size",
        help="height and width of the images to take, as 224 or 480x640; default: as the run "
        "stored its images, or as they are resized",
    )  # fmt: skip
    parser.add_argument(
        "--tolerance", type=_share, default=1e-3, metavar="SHARE",
        help="largest difference allowed, as a share of the largest logit (1e-3)",
    )  # fmt: skip
    parser.add_argument("--intended-use", metavar="TEXT", help="for the model card")
    parser.add_argument("--debug", action="store_true", help="show the full traceback of an error")
    return parser


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdigit() and int(side) > 0 for side in sides):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 224 or 480x640")
    return int(sides[0]), int(sides[-1])


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 up")
    return share


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    given = _parser().parse_args(arguments)
    try:
        report(given)
    except (TlxError, OSError) as error:
        if given.debug:
            raise
        tell("tlx.export", error)
        sys.exit(1)


def report(given: argparse.Namespace) -> None:
    """Export as the command line asks, and say what was written."""
    from tlx.inference.export.run import export_run

    done = export_run(
        given.run,
        given.format,
        given.output,
        size=given.size,
        tolerance=given.tolerance,
        intended_use=given.intended_use,
    )
    megabytes = done.path.stat().st_size / 1e6
    print(shown(f"{done.path} ({megabytes:.1f} MB), for {done.takes}"))
    print(f"check: {done.agreement}")
    if done.preparation_path is not None:
        print(shown(f"preparation of a table's rows: {done.preparation_path}"))
    print(shown(f"model card: {done.card_path}"))


if __name__ == "__main__":
    main()
