"""List torchvision's classifiers, or the stages of one: `python -m tlx.backbones [NAME]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tlx.backbones.names import BUILDER_NAMES, FAMILIES
from tlx.errors import TlxError, did_you_mean
from tlx.texts.told import tell

WIDTH_WHEN_PIPED = 140


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tlx.backbones",
        description="List the backbones by family, or the stages of one.",
    )
    parser.add_argument("name", nargs="?", help="a builder such as resnet50; all when left out")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="height and width")
    parser.add_argument("--num-classes", type=int, default=1000, help="outputs of the head")
    return parser


def _builders_table() -> Table:
    from tlx.backbones.summary import summarise_builder

    table = Table(title=f"{len(BUILDER_NAMES)} backbones in {len(FAMILIES)} families")
    for column in ("family", "name"):
        table.add_column(column, no_wrap=True)
    table.add_column("parameters, millions", justify="right")
    table.add_column("input, pixels", justify="right")
    table.add_column("torchvision weights")
    for family, names in FAMILIES.items():
        for index, name in enumerate(names):
            row = summarise_builder(name)
            table.add_row(
                "" if index else family,
                name,
                f"{row.parameters / 1e6:.1f}",
                str(row.image_size),
                ", ".join(row.weights),
                end_section=index == len(names) - 1,
            )
    return table


def _stages_table(name: str, num_classes: int, image_size: int | None) -> Table:
    from tlx.backbones.summary import summarise_stages

    parts = summarise_stages(name, num_classes, image_size)
    total = sum(part.parameters for part in parts)
    table = Table(title=f"{name}: {total:,} parameters")
    table.add_column("stage", no_wrap=True)
    table.add_column("parameters", justify="right")
    table.add_column("output shape", no_wrap=True)
    table.add_column("modules")
    for part in parts:
        shape = " x ".join(str(size) for size in part.output_shape) or "(training only)"
        table.add_row(part.name, f"{part.parameters:,}", shape, ", ".join(part.modules))
    return table


def _print_shipped(console: Console) -> None:
    from tlx.backbones.weights.shipped_models import shipped_names

    names = ", ".join(shipped_names())
    if names:
        console.print(f"Shipped models, as backbone.weights: {names}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the backbones, or the stages of one.

    Args:
        arguments: Command-line arguments; None means the process's own.

    Returns:
        0, or 2 where an argument is wrong.
    """
    options = _parser().parse_args(arguments)
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console.width = WIDTH_WHEN_PIPED
    if options.name is None:
        console.print(_builders_table())
        _print_shipped(console)
        return 0
    if options.name not in BUILDER_NAMES:
        remedy = did_you_mean(options.name, BUILDER_NAMES)
        print(f"There is no backbone {options.name!r}. {remedy}", file=sys.stderr)
        return 2
    try:
        console.print(_stages_table(options.name, options.num_classes, options.image_size))
    except TlxError as error:
        tell("tlx.backbones", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
