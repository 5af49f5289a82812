"""How long Spark itself takes to start: the JVM, its gateway and the SparkContext.

python -m experiments.benchmarks.launchers.spark_start 2
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tlx.spark.session import open_session, session_options


def spark_start_s(slots: int) -> float:
    """Return the seconds that a local Spark takes to start."""
    log_file = Path(tempfile.mkdtemp(prefix="tlx-spark-start-")) / "spark.log"
    began = time.perf_counter()
    open_session(session_options(f"local[{slots}]", {}, 1, 60.0), log_file)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(f"{spark_start_s(int(sys.argv[1])):.3f}")
