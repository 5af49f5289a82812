"""What tlx adds to Hydra and OmegaConf."""

from __future__ import annotations

import uuid

from omegaconf import OmegaConf

from tlx.config.choices.groups import register_builders

_UNIQUE = uuid.uuid4().hex[:6]


def register() -> None:
    """Make tlx's resolvers and builders known to Hydra; calling it again changes nothing."""
    OmegaConf.register_new_resolver("tlx.unique", lambda: _UNIQUE, replace=True)
    register_builders()
