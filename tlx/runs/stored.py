"""Read the files of a run's or a sweep's folder: plain values, whoever wrote them.

A folder may come from somebody else. What is read here is bounded in size and depth, has no
references from one part of a file to another, and makes nothing but mappings, lists, text,
numbers, true, false and null.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tlx.errors import TlxError

MAX_BYTES = 16 * 2**20
"""Of a JSON file; a run's own are a few kB, with every class of ImageNet-21k about 1 MB."""
MAX_YAML_BYTES = 2**20
"""Of a YAML file, which takes about a thousand times as long to read."""
MAX_DEPTH = 64
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FLOAT = re.compile(
    r"""^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?(?:[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)
    |\.[0-9_]+(?:[eE][-+][0-9]+)?
    |[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)
_INTEGER = re.compile(r"^[-+]?(?:0|[1-9][0-9_]*)$")
"""Without 010 for 8, and 1:30 for 90, which takes time by the square of its length."""


class DamagedFileError(TlxError, ValueError):
    """A file that cannot be read as what it should be."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be read: {reason.rstrip('.')}.")
        self.reason = reason


def read_json(path: Path, max_bytes: int = MAX_BYTES) -> Any:
    """Return what a JSON file holds.

    Args:
        path: The file.
        max_bytes: The largest size that is read.

    Raises:
        FileNotFoundError: Where there is none. Other faults of the file system are an `OSError`.
        DamagedFileError: Where it is no JSON in UTF-8, too large or too deeply nested.
    """
    return _parsed(path, max_bytes, parse_json)


def parse_json(text: str) -> Any:
    """Return what JSON text says.

    Raises:
        ValueError: Where it is no JSON, or too deeply nested.
    """
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _refuse_deep(content)
    return content


def _refuse_deep(content: Any) -> None:
    """Refuse what the functions that walk through stored values could not walk through."""
    level, depth = [content], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
        inner: list[Any] = []
        for one in level:
            inner.extend(one.values() if isinstance(one, dict) else one)
        level = inner


def read_yaml(path: Path) -> Any:
    """Return what a YAML file holds: plain values, without anchors, aliases and tags.

    Raises:
        FileNotFoundError: Where there is none. Other faults of the file system are an `OSError`.
        DamagedFileError: Where it is no YAML in UTF-8, has more than plain values in it, or is too
            large or too deeply nested.
    """
    return _parsed(path, MAX_YAML_BYTES, _plain_yaml)


def yaml_text(content: Any) -> str:
    """Return plain values as YAML that `read_yaml` takes."""
    text: str = yaml.dump(
        content, Dumper=_PlainDumper, default_flow_style=False, allow_unicode=True, sort_keys=False
    )
    return text


def _parsed(path: Path, max_bytes: int, parse: Callable[[str], Any]) -> Any:
    content = read_file(path, max_bytes)
    try:
        return parse(content.decode("utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        raise DamagedFileError(path, " ".join(str(error).split())) from error


def read_file(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """Return a file's bytes; nothing but a regular file is waited for.

    Raises:
        FileNotFoundError: Where there is none. Other faults of the file system are an `OSError`.
        DamagedFileError: Where it is too large, or a pipe, say.
    """
    # Without O_NONBLOCK, opening a pipe would wait for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
        about = os.fstat(descriptor)
        if stat.S_ISDIR(about.st_mode):
            raise IsADirectoryError(21, "Is a directory", str(path))
        if not stat.S_ISREG(about.st_mode):
            raise DamagedFileError(path, "it is no regular file")
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise DamagedFileError(path, f"it is larger than {max_bytes / 1e6:.0f} MB")
    return content


def _plain_yaml(text: str) -> Any:
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        _refuse_more_than_plain(event)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    return yaml.load(text, Loader=_PlainLoader)  # a subclass of the safe loader


def _refuse_more_than_plain(event: Any) -> None:
    line = event.start_mark.line + 1
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise ValueError(f"line {line} has an anchor or an alias, which stored values do without")
    if getattr(event, "tag", None) is not None:
        raise ValueError(f"line {line} has the tag {event.tag}, and stored values have none")


class _PlainLoader(_Base):  # type: ignore[misc]
    """PyYAML's safe loader, with 1e-3 for a number, dates as text, and no key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Return a mapping.

        Raises:
            ValueError: Where a key stands there twice, or is no text, number or truth value.
        """
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise ValueError(f"line {key_node.start_mark.line + 1} has a key that is no word")
            key = self.construct_object(key_node)
            if key in seen:
                raise ValueError(f"{key!r} stands there twice")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


class _PlainDumper(yaml.SafeDumper):
    """PyYAML's safe dumper, without anchors for what stands in two places."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write everything out."""
        return True


_NUMBERS: list[tuple[str, re.Pattern[str]]] = [("float", _FLOAT), ("int", _INTEGER)]
_RESOLVED_OTHERWISE = ("timestamp", "float", "int", "merge")
_PlainLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0].rpartition(":")[2] not in _RESOLVED_OTHERWISE]
    for first, pairs in _Base.yaml_implicit_resolvers.items()
}
for _kind, _pattern in _NUMBERS:  # the dumper also quotes what PyYAML would read as a number
    for _reader_or_writer in (_PlainLoader, _PlainDumper):
        _tag = f"tag:yaml.org,2002:{_kind}"
        _reader_or_writer.add_implicit_resolver(_tag, _pattern, list("-+0123456789."))
