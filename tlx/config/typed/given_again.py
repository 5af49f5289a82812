"""Secrets that no file keeps: `resume=RUN` needs them given once more."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tlx.errors import TlxError
from tlx.texts.redaction import MARK, redacted_names


def with_secrets(cfg: Mapping[str, Any], folder: Path, given: DictConfig | None) -> dict[str, Any]:
    """Return a run's stored configuration with the secrets that its files were spared.

    Args:
        cfg: The stored configuration.
        folder: The run's folder.
        given: Holds the options whose secrets were left out, under the same names.

    Raises:
        TlxError: Where one of them is missing.
    """
    whole, missing = copy.deepcopy(dict(cfg)), []
    for name in secret_options(cfg):
        value = None if given is None else OmegaConf.select(given, name)
        if value is None or redacted_names({"": value}):
            missing.append(name)
        else:
            _put(whole, name, value)
    if missing:
        again = " ".join(f"{name}=VALUE" for name in missing)
        raise TlxError(
            f"{folder} was started with a secret in {', '.join(missing)}, which no file keeps. "
            f"Give it again: resume={folder} {again}"
        )
    return whole


def _put(content: dict[str, Any], name: str, value: Any) -> None:
    *groups, key = name.split(".")
    for group in groups:
        content = content[group]
    content[key] = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value


def secret_options(cfg: Mapping[str, Any]) -> list[str]:
    """Return the options of a stored configuration whose secrets were left out."""
    return redacted_names(cfg)


def values_given(overrides: Sequence[str]) -> DictConfig:
    """Return what a command line sets, as a configuration; its references are filled in.

    Args:
        overrides: Such as `logger.tracking_uri=http://u:p@host`.
    """
    from tlx.config.typed.overrides import parse

    found, faults = parse(overrides)
    if faults:
        from tlx.errors import ConfigError

        raise ConfigError(faults)
    given: Any = OmegaConf.create({})
    for override in found:
        OmegaConf.update(given, override.get_key_element().lstrip("+~"), override.value())
    OmegaConf.resolve(given)
    values: DictConfig = given
    return values


def refuse_what_is_missing(asked: Sequence[str], folder: Path) -> None:
    """Refuse to go on with a sweep whose command lacks a secret.

    Args:
        asked: Its arguments as its record has them, but for those that were given again.
        folder: The sweep's folder.

    Raises:
        TlxError: Where an argument's secret was left out of the record.
    """
    missing = [text for text in asked if MARK in text]
    if missing:
        keys = ", ".join(text.partition("=")[0].lstrip("+~") for text in missing)
        again = " ".join(f"{text.partition('=')[0]}=VALUE" for text in missing)
        raise TlxError(
            f"the sweep in {folder} was started with a secret in {keys}, which no file keeps. "
            f"Give it again: resume={folder} {again}"
        )
