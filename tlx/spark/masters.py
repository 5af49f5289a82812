"""Whether a Spark master is there, before Spark tries for minutes."""

from __future__ import annotations

import socket

from tlx.spark.errors import SparkStartError


def check_reachable(master: str, timeout_s: float) -> None:
    """Check that a standalone master listens, which Spark itself tries for minutes.

    Raises:
        SparkStartError: Where none of the masters answers.
    """
    if not master.startswith("spark://"):
        return
    faults = []
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=timeout_s).close()
            return
        except (OSError, ValueError) as error:
            faults.append(f"{address}: {error}")
    raise SparkStartError(
        f"hydra.launcher.master={master}: no Spark master answers ({'; '.join(faults)}). "
        "Start it, correct the address, or leave the option out to run on this machine."
    )
