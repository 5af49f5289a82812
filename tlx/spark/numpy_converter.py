"""Py4J's conversion of NumPy arrays, without the import of pandas that pyspark asks for it."""

from __future__ import annotations

import sys
from typing import Any


class LazyNumpyConverter:
    """Asks pyspark's own converter only about objects that are NumPy arrays.

    Py4J asks every converter about every argument of every call, and pyspark's one for arrays
    imports pandas to answer the first time (`pyspark.testing`): more than half a second.

    Args:
        converter: pyspark's own.
    """

    def __init__(self, converter: Any) -> None:
        self._converter = converter

    def can_convert(self, value: Any) -> bool:
        """Return whether a value is an array that pyspark's converter takes."""
        numpy = sys.modules.get("numpy")
        if numpy is None or not isinstance(value, numpy.ndarray):
            return False
        return bool(self._converter.can_convert(value))

    def convert(self, value: Any, gateway_client: Any) -> Any:
        """Return a Java array."""
        return self._converter.convert(value, gateway_client)


def make_lazy(gateway: Any) -> None:
    """Replace the converter of NumPy arrays that a gateway has.

    Args:
        gateway: Py4J's gateway to the JVM.
    """
    client = gateway._gateway_client
    client.converters = [
        LazyNumpyConverter(c) if type(c).__name__ == "NumpyArrayConverter" else c
        for c in client.converters or []
    ]
