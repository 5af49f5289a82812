"""A finished run as later commands want it, and help for those who name another folder."""

from __future__ import annotations

import os
from pathlib import Path

from tlx.errors import TlxError
from tlx.runs.result import RESULT_FILE, Result, read_result
from tlx.runs.run import WEIGHTS_FILE

OUTPUTS = Path("outputs")
SEARCHED_LEVELS = 4
SHOWN_RUNS = 5


def finished_run(folder: Path, outputs: Path = OUTPUTS) -> Result:
    """Return the result of a completed run that has its model.

    Args:
        folder: The run's folder.
        outputs: Where runs lie that are named in the error.

    Raises:
        TlxError: Where the folder is no run's, the run has not ended well, or its model is gone.
    """
    if not (folder / RESULT_FILE).is_file():
        reason = "is not the folder of a run" if folder.is_dir() else "is no folder"
        raise TlxError(f"{folder} {reason}. {_what_a_run_holds()} {newest_runs_words(outputs)}")
    result = read_result(folder)
    if result.status != "completed":
        raise TlxError(f"{folder} is {result.status}; finish it first with resume={folder}.")
    if not (folder / WEIGHTS_FILE).is_file():
        raise TlxError(
            f"{folder} has no {WEIGHTS_FILE} any more. Copy it back, or train again with the "
            "command in its result.json."
        )
    return result


def newest_runs(outputs: Path = OUTPUTS, count: int = SHOWN_RUNS) -> list[Path]:
    """Return the folders of the completed runs that ended last, the newest first.

    Args:
        outputs: Where to look, a few levels deep.
        count: How many at most.
    """
    found = []
    depth = len(outputs.parts)
    for place, folders, files in os.walk(outputs):
        if WEIGHTS_FILE in files and RESULT_FILE in files:
            found.append(Path(place))
            folders.clear()
        elif len(Path(place).parts) - depth >= SEARCHED_LEVELS:
            folders.clear()
    found.sort(key=lambda folder: (folder / WEIGHTS_FILE).stat().st_mtime_ns, reverse=True)
    return found[:count]


def newest_runs_words(outputs: Path = OUTPUTS) -> str:
    """Return a sentence that names the newest runs."""
    runs = newest_runs(outputs)
    if not runs:
        return f"There is no completed run under {outputs} here; make one with python -m tlx.train."
    return "The newest runs here: " + ", ".join(map(str, runs)) + "."


def _what_a_run_holds() -> str:
    return f"A run's folder holds {RESULT_FILE}, config.yaml and, once completed, {WEIGHTS_FILE}."
