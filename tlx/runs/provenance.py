"""Where a run comes from: code, packages, machine, data and weights."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "tlx",
    "torch",
    "torchvision",
    "pytorch-lightning",
    "torchmetrics",
    "hydra-core",
    "numpy",
    "pandas",
    "scikit-learn",
)


def provenance(*, seed: int, device: str, dataset: str, weights: str) -> dict[str, Any]:
    """Return everything needed to say what produced a run.

    Args:
        seed: The run's seed.
        device: The device it ran on, in words.
        dataset: Fingerprint of the data set.
        weights: Fingerprint of model A's weights.
    """
    return {
        "git": _loaded_code(),
        "packages": package_versions(),
        "python": platform.python_version(),
        "host": {
            "system": platform.system(),
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "device": device,
        },
        "seed": seed,
        "dataset_fingerprint": dataset,
        "weights_fingerprint": weights,
    }


def package_versions() -> dict[str, str]:
    """Return the installed version of each package that can change a run's numbers."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            from tlx import __version__

            versions[name] = __version__ if name == "tlx" else "missing"
    return versions


@cache
def _loaded_code() -> dict[str, Any] | None:
    """Return this package's own state, asked once: a process goes on with the code it loaded."""
    return git_state(Path(__file__).resolve().parent)


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return the commit of the checkout that holds a folder and whether it has changes.

    Returns:
        `{"commit": ..., "dirty": ...}`, or None outside a checkout (an installed wheel, say).
    """
    commit = _git(folder, "rev-parse", "HEAD")
    tracked = _git(folder, "ls-files", "--error-unmatch", Path(__file__).name) is not None
    if commit is None or not tracked:
        return None
    return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain", "-uno"))}


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
