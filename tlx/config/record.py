"""The configuration kept in a run's folder, and read back from it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from yaml import YAMLError

from tlx.config.builders import plain
from tlx.errors import TlxError
from tlx.runs.atomic import write_text
from tlx.texts.redaction import redact, redacted_now

CONFIG_FILE = "config.yaml"
log = logging.getLogger("tlx")
PATHS = (
    ("backbone", "weights"), ("backbone", "transforms"), ("data", "root"), ("data", "table"),
    ("data", "cache"), ("data", "path"), ("data", "preparation"),
)  # fmt: skip
"""Options that may name files, which shall be found from any folder later."""


def save_config(cfg: DictConfig, folder: Path) -> list[str]:
    """Write a configuration with all references filled in and paths of input made absolute.

    Returns:
        The options whose secrets were left out.
    """
    content = plain(cfg)
    for group, key in PATHS:
        value = content[group].get(key)
        if isinstance(value, str) and Path(value).exists():
            content[group][key] = str(Path(value).absolute())
    kept = redact(content)
    write_text(folder / CONFIG_FILE, OmegaConf.to_yaml(OmegaConf.create(kept)))
    return redacted_now(content, kept)


def say_redacted(options: Sequence[str]) -> None:
    """Say which options hold secrets that no file of the run has."""
    if options:
        log.info("left out of the run's files, as secrets: %s", ", ".join(options))


def load_config(folder: Path) -> DictConfig:
    """Return the configuration of a run.

    Raises:
        TlxError: Where the folder holds none, or one that cannot be read.
    """
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise TlxError(f"{folder} is not the folder of a run: it has no {CONFIG_FILE}.")
    try:
        cfg = OmegaConf.load(path)
    except (OSError, ValueError, YAMLError) as error:
        raise TlxError(f"{path} cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(cfg, DictConfig):
        raise TlxError(f"{path} cannot be read: it holds no configuration.")
    return cfg
