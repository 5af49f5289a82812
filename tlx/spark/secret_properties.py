"""Spark's secret properties, kept off the JVM's command line, which all users of a machine see."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tlx.errors import Fault
from tlx.texts.redaction import redact
from tlx.texts.secret_names import is_secret_name

SUBMIT_ARGUMENTS = "PYSPARK_SUBMIT_ARGS"
_JAVA_OPTIONS = ("JavaOptions", "javaOptions")


def flat_properties(conf: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return Spark properties by their dotted names.

    Args:
        conf: Nested (`spark: {executor: {memory: 4g}}`), or with dotted names.
        prefix: What each name starts with.
    """
    found: dict[str, str] = {}
    for key, value in conf.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flat_properties(value, f"{name}.")
        else:
            found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def is_secret_property(name: str, value: str) -> bool:
    """Return whether a Spark property is a secret by its name, or holds one in its value."""
    return is_secret_name(name) or redact(value) != value


def java_option_faults(conf: Mapping[str, str]) -> list[Fault]:
    """Return the options of a JVM that hold a secret: they always stand in its command line.

    Args:
        conf: Spark properties by their dotted names.
    """
    return [
        Fault(
            f"hydra.launcher.conf.{name}",
            value,
            "it holds a secret, and a JVM's options are seen by all users of the machine",
            "Put the options into a file of your own, and give JDK_JAVA_OPTIONS=@FILE.",
        )
        for name, value in conf.items()
        if name.endswith(_JAVA_OPTIONS) and redact(value) != value
    ]


@contextmanager
def submitted_secretly(properties: Mapping[str, str], root: Path) -> Iterator[None]:
    """Hand properties to the `spark-submit` that is started meanwhile, by a file.

    The file has mode 0600, in a folder of mode 0700 that is gone afterwards; `spark-defaults.conf`
    counts as without it. Without properties nothing is done.

    Args:
        properties: The secret ones.
        root: Where that folder is made.
    """
    if not properties:
        yield
        return
    given = os.environ.get(SUBMIT_ARGUMENTS)
    with tempfile.TemporaryDirectory(prefix="secret-", dir=root) as folder:
        path = Path(folder, "secret.properties")
        path.touch(mode=0o600)
        path.write_text("".join(map(_line, properties.items())), encoding="utf-8")
        options = ["--load-spark-defaults", "--properties-file", str(path)]
        os.environ[SUBMIT_ARGUMENTS] = f"{shlex.join(options)} {given or 'pyspark-shell'}"
        try:
            yield
        finally:
            os.environ.pop(SUBMIT_ARGUMENTS)
            if given is not None:
                os.environ[SUBMIT_ARGUMENTS] = given


def _line(item: tuple[str, str]) -> str:
    return "=".join(_escaped(text) for text in item) + "\n"


def _escaped(text: str) -> str:
    r"""Return a text as Java's `Properties` reads it: `\uXXXX` for all but letters and digits."""
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    return "".join(
        chr(code) if code < 128 and chr(code).isalnum() else f"\\u{code:04x}" for code in codes
    )
