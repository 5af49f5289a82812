"""Hydra's config loader, which composes each job of a sweep once instead of twice."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.types import HydraContext
from omegaconf import DictConfig

from tlx.spark.pickling import dumps, loads


class ComposedOnce:
    """Keeps what was composed for a sweeper's check until the launcher asks for the same.

    Hydra's sweepers compose every job to see that it can be composed, throw the result away, and
    have the launcher compose it again, which costs more than all the rest of a short job. What is
    kept is a pickle of about 10 kB, and it is given out once.

    Args:
        loader: Hydra's own loader.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self.loader = loader
        self._kept: dict[tuple[str, ...], bytes] = {}

    def __getattr__(self, name: str) -> Any:
        """Return what the loader has by that name."""
        if name == "loader":  # not set yet, while a pickle is being read
            raise AttributeError(name)
        return getattr(self.loader, name)

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: Sequence[str]
    ) -> DictConfig:
        """Return a job's configuration; the second request is answered from the first.

        Args:
            master_config: The sweep's own configuration.
            sweep_overrides: What the sweeper asks of the job.
        """
        key = tuple(sweep_overrides)
        kept = self._kept.pop(key, None)
        if kept is not None:
            config: DictConfig = loads(kept)
            return config
        config = self.loader.load_sweep_config(master_config, list(sweep_overrides))
        with contextlib.suppress(Exception):  # what cannot be pickled is composed again
            self._kept[key] = dumps(config)
        return config


def compose_once(context: HydraContext) -> None:
    """Let a sweep's jobs be composed once; calling it again changes nothing."""
    if not isinstance(context.config_loader, ComposedOnce):
        context.config_loader = ComposedOnce(context.config_loader)  # type: ignore[assignment]


def plain_context(context: HydraContext) -> HydraContext:
    """Return Hydra's context with its own loader, as it can be sent to the workers."""
    loader = context.config_loader
    inner = loader.loader if isinstance(loader, ComposedOnce) else loader
    return HydraContext(config_loader=inner, callbacks=context.callbacks)
