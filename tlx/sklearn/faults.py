"""Errors of the estimators: tlx's own, which scikit-learn knows as `ValueError`."""

from __future__ import annotations

from tlx.errors import ConfigError, TlxError


class ParameterError(ConfigError, ValueError):
    """All the faults of an estimator's parameters, found before any work."""


class InputError(TlxError, ValueError):
    """Examples that an estimator cannot take."""
