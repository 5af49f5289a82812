"""All sides, one after the other, and their table."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.benchmarks.machine import machine_words
from experiments.benchmarks.single_run.workload import BACKBONE, Measured, Workload
from tlx.reports.across_seeds import markdown_table
from tlx.runs.atomic import atomic_path, write_text

SIDES = {
    "floor": "frozen part once, then the rest alone",
    "tlx": "tlx",
    "lightning": "plain Lightning",
}


def compare(name: str, default: Workload, record: Path, arguments: Sequence[str] | None) -> None:
    """Run a comparison from the command line, print its table and record it.

    Args:
        name: The benchmark's package.
        default: The workload that the command line may change.
        record: Where the numbers go (CSV); the table goes beside it (Markdown).
        arguments: The command line; None takes this process's own.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {name}")
    for field in fields(Workload):
        value = getattr(default, field.name)
        if type(value) is int:
            option = f"--{field.name.replace('_', '-')}"
            parser.add_argument(option, type=int, default=value)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--record", type=Path, default=record, help="where the numbers go (CSV)")
    given = vars(parser.parse_args(arguments))
    sides, path = given.pop("sides"), given.pop("record")
    with tempfile.TemporaryDirectory(prefix="tlx-benchmark-") as folder:
        work = Workload(**given, trains_last_stage=default.trains_last_stage)
        frame = compared(work, sides, Path(folder))
    text = f"{table(frame)}\n{sentence(frame)}\n\n{machine_words()}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.4f")
    write_text(path.with_suffix(".md"), text)
    print(text, end="")


def compared(work: Workload, sides: Sequence[str], folder: Path) -> pd.DataFrame:
    """Run each side in a process of its own, one after the other.

    Returns:
        One row per side: `side`, `seconds` (its work, imports left out), `process_s` (its whole
        process), `test_accuracy`, `peak_mb`, and the seconds of its phases.
    """
    from experiments.benchmarks.made_up.weights import write_weights

    weights = write_weights(BACKBONE, folder / f"{BACKBONE}.pth")
    rows = []
    for side in sides:
        own = folder / side
        own.mkdir()
        print(f"{SIDES[side]} ...", file=sys.stderr, flush=True)
        given = {f.name: getattr(work, f.name) for f in fields(work)} | {"weights": str(weights)}
        rows.append({"side": side, **_measured(side, Workload(**given).within(own), own)})
    return pd.DataFrame(rows)


def _measured(side: str, work: Workload, folder: Path) -> dict[str, Any]:
    module, output = "experiments.benchmarks.single_run.side", folder / "measured.json"
    command = [sys.executable, "-m", module, side, work.to_json(), str(output)]
    began = time.perf_counter()
    environment = os.environ | {"OMP_NUM_THREADS": str(work.threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    process_s = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{side} failed:\n{done.stderr}")
    told: Measured = json.loads(output.read_text())
    phases = {f"phase_{name}_s": value for name, value in told.pop("phases", {}).items()}
    return told | {"process_s": process_s} | phases


def table(frame: pd.DataFrame) -> str:
    """Return the comparison as a table."""
    shown = {
        "": frame["side"].map(SIDES),
        "work (s)": frame["seconds"].map("{:.1f}".format),
        "whole process (s)": frame["process_s"].map("{:.1f}".format),
        "work, its / tlx's": _ratios(frame, "seconds"),
        "whole process, its / tlx's": _ratios(frame, "process_s"),
        "peak memory (MB)": frame["peak_mb"].map("{:.0f}".format),
        "test accuracy": frame["test_accuracy"].map("{:.3f}".format),
    }
    return markdown_table(pd.DataFrame(shown))


def _ratios(frame: pd.DataFrame, column: str) -> pd.Series:
    own = frame.loc[frame["side"] == "tlx", column]
    ratios = frame[column] / (float(own.iloc[0]) if len(own) else float("nan"))
    return ratios.map("{:.2f}".format)


def sentence(frame: pd.DataFrame) -> str:
    """Return in one line how far tlx is from its floor and from plain Lightning."""
    seconds = frame.set_index("side")["seconds"]
    parts = []
    if {"tlx", "lightning"} <= set(seconds.index):
        parts.append(f"{seconds['lightning'] / seconds['tlx']:.1f} times ahead of plain Lightning")
    if {"tlx", "floor"} <= set(seconds.index):
        parts.append(f"{seconds['tlx'] / seconds['floor']:.2f} times the floor")
    return f"tlx: {', '.join(parts)}." if parts else ""
