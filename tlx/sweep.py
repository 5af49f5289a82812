"""`python -m tlx.sweep FOLDER`: rebuild a sweep's table from its jobs, and rank them.

Exit status: 0 all is well, 1 a job failed, 2 wrong arguments, 3 no job failed but some have not
ended (the sweep still runs, or its driver was killed).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tlx.errors import TlxError
from tlx.sweeps.report import EXIT_FAILED, report
from tlx.texts.told import tell
from tlx.texts.typed_path import typed_path


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tlx.sweep",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sweep", type=typed_path, metavar="FOLDER", help="the sweep's folder")
    parser.add_argument(
        "--metric",
        action="append",
        metavar="NAME",
        help="rank by this metric, or return_value; repeated, the further ones are shown beside it",
    )
    parser.add_argument("--minimize", action="store_true", help="a smaller value is better")
    parser.add_argument("--debug", action="store_true", help="show the full traceback of an error")
    given = parser.parse_args(arguments)
    try:
        status = report(given.sweep, given.metric, given.minimize)
    except TlxError as error:
        if given.debug:
            raise
        tell("tlx.sweep", error)
        status = EXIT_FAILED
    sys.exit(status)


if __name__ == "__main__":
    main()
