"""`hydra/sweeper=tlx`, where Hydra looks for plugins."""

from __future__ import annotations

from tlx.config.pairing import sweeper as _sweeper

_sweeper.register()


class PairingSweeper(_sweeper.PairingSweeper):
    """The sweeper, under the only package that Hydra takes plugins from."""
