"""`hydra/launcher=spark` and `hydra/launcher=debug`, where Hydra looks for plugins."""

from __future__ import annotations

from tlx.spark import config as _config
from tlx.spark.launcher.debug import DebugLauncher as _DebugLauncher
from tlx.spark.launcher.launcher import SparkLauncher as _SparkLauncher

_config.register()


class SparkLauncher(_SparkLauncher):
    """The Spark launcher, under the only package that Hydra takes plugins from."""


class DebugLauncher(_DebugLauncher):
    """The in-process launcher, under the only package that Hydra takes plugins from."""
