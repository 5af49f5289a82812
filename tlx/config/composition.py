"""Compose tlx's configuration without running anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from tlx.config.choices.paths import conf_dir
from tlx.config.choices.registration import register
from tlx.errors import ConfigError, Fault


def compose_config(overrides: Sequence[str] = ()) -> DictConfig:
    """Return the configuration that a command line stands for, as a command's job gets it.

    Args:
        overrides: What the user would type (`["strategy=partial", "seed=1"]`).

    Raises:
        ConfigError: Where it cannot be composed, in Hydra's words.
    """
    return without_hydra(composed(overrides, conf_dir(), "train"))


def composed(overrides: Sequence[str], config_dir: Path, config_name: str) -> DictConfig:
    """Return a composed configuration, Hydra's own part included.

    Raises:
        ConfigError: Where it cannot be composed, in Hydra's words.
    """
    register()
    try:
        with initialize_config_dir(str(config_dir), version_base="1.3"):
            return compose(config_name, list(overrides), return_hydra_config=True)
    except HydraException as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        reason = " ".join(f"{error}{cause}".split()).rstrip(".")
        given = " ".join(overrides)
        fault = Fault("overrides", given, reason, "See --help, --cfg job and --hydra-help.")
        raise ConfigError([fault]) from error


def without_hydra(cfg: DictConfig) -> DictConfig:
    """Return a configuration without Hydra's own part."""
    return OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
