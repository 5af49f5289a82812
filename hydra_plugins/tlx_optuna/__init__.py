"""`hydra/sweeper=optuna`, where Hydra looks for plugins."""

from __future__ import annotations

from tlx.search import config as _config
from tlx.search.sweeper import OptunaSweeper as _OptunaSweeper

_config.register()


class OptunaSweeper(_OptunaSweeper):
    """The sweeper, under the only package that Hydra takes plugins from."""
