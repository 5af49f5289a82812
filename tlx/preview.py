"""`python -m tlx.preview`: draw a run's first training batch before and after augmentation."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlx.errors import TlxError
from tlx.texts.file_names import plain_file_name
from tlx.texts.told import tell
from tlx.texts.typed_path import typed_path

if TYPE_CHECKING:
    from tlx.plan.plan import Plan

FOLDER = Path("outputs/previews")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tlx.preview",
        description="Draw a first training batch before and after augmentation.",
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="what you would give tlx.train"
    )
    parser.add_argument("--images", type=_count, default=8, metavar="N", help="default: 8")
    parser.add_argument(
        "--to", type=typed_path, metavar="FILE", help=f"the picture (default: in {FOLDER})"
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of images; give 1 or more")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends with status 1 on an error."""
    given = _parser().parse_args(arguments)
    try:
        print(preview(given.overrides, given.images, given.to))
    except (TlxError, OSError) as error:
        tell("tlx.preview", error)
        sys.exit(1)


def preview(overrides: Sequence[str], images: int = 8, to: Path | None = None) -> Path:
    """Draw a training batch before and after augmentation.

    Args:
        overrides: What one would give `python -m tlx.train`.
        images: How many images.
        to: The picture's file; None names it after data, augmentation and seed.

    Returns:
        Where the picture is.

    Raises:
        TlxError: Where the data or the options are at fault.
    """
    from tlx.config.builders import checked_plan
    from tlx.config.composition import compose_config
    from tlx.config.typed.typed_text import readable
    from tlx.data.loaded import loaded
    from tlx.reports.preview_figure import preview_figure

    plan = checked_plan(compose_config(readable(overrides)))
    task = loaded(plan.data)
    path = to or FOLDER / _name(plan, task.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    preview_figure(task, plan.training.augmentation, path, images=images, seed=plan.seed)
    return path


def _name(plan: Plan, task: str) -> str:
    return f"{plain_file_name(task)}-{plan.training.augmentation.name}-seed{plan.seed}.png"


if __name__ == "__main__":
    main()
