"""Where in a file a network's tensors lie: inside which mappings, and behind which prefix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tlx.backbones.weights.files.claims import ClaimedDict, TensorClaim, UnreadableError, shown

MAX_DEPTH: Final = 4
MAX_NAME_LENGTH: Final = 500
TOP: Final = "."
"""What the top of a file is called where it has to be told from what lies deeper."""
Names = Callable[[str], str]


@dataclass(frozen=True)
class Reading:
    """One way to read a file as a network's tensors.

    Args:
        path: Keys of the mappings in which they lie, from outside to inside.
        prefix: What stands before each name (`module.`), or nothing.
        keys: The file's key of each of the network's names.
        tensors: The claim of each name.
        beside: How many tensors of the same mapping do not carry the prefix.
        metadata: torch's version metadata, where the file has it.
    """

    path: tuple[str, ...]
    prefix: str
    keys: Mapping[str, str]
    tensors: Mapping[str, TensorClaim]
    beside: int = 0
    metadata: Mapping[str, Any] | None = None

    @property
    def label(self) -> str:
        """What `backbone.weights_key` calls it."""
        return ".".join((*self.path, *filter(None, (self.prefix.rstrip("."),)))) or TOP

    def notes(self) -> list[str]:
        """Return what was done to get at the tensors, in words."""
        done = [f"taken from {shown('.'.join(self.path))!r}"] if self.path else []
        if self.prefix:
            done.append(f"{shown(self.prefix)!r} stripped from their names")
        if self.beside:
            what = "1 tensor that has another name" if self.beside == 1 else None
            done.append(f"{what or f'{self.beside} tensors that have other names'} left out")
        return done

    def same_tensors(self, other: Reading) -> bool:
        """Return whether both are the same numbers in the file under two names."""
        pairs = [(claim, other.tensors.get(name)) for name, claim in self.tensors.items()]
        return all(claim.storage is not None and claim == twin for claim, twin in pairs)


def readings_of(
    claims: Any, needed: Collection[str], rename: Names = lambda name: name
) -> list[Reading]:
    """Return every way to read a file under which any needed name is there, the fullest first.

    Args:
        claims: What the file holds.
        needed: Names without which the network is not whole.
        rename: Gives today's name of a tensor.

    Raises:
        UnreadableError: If the file holds no mapping with tensors.
    """
    found = []
    places = list(_mappings(claims))
    if not places:
        what = "no tensors" if isinstance(claims, Mapping) else f"a {_kind(claims)}"
        reason = f"it holds {what}, not a state dict"
        remedy = "Save the plain state dict: torch.save(network.state_dict(), path)."
        raise UnreadableError(reason, remedy)
    wanted = frozenset(needed)
    for path, mapping in places:
        counts = _prefixes(mapping, wanted, rename)
        found += [(count, _reading(path, mapping, p, rename)) for p, count in counts.items()]
    if not found:
        return [max((_reading(*place, "", rename) for place in places), key=_size)]
    return [reading for _, reading in sorted(found, key=lambda pair: -pair[0])]


def distinct(readings: Sequence[Reading]) -> list[Reading]:
    """Return readings without those that are the same numbers as an earlier one."""
    kept: list[Reading] = []
    for reading in readings:
        if not any(reading.same_tensors(earlier) for earlier in kept):
            kept.append(reading)
    return kept


def _size(reading: Reading) -> int:
    return len(reading.tensors)


def _kind(claims: Any) -> str:
    return "tensor" if isinstance(claims, TensorClaim) else type(claims).__name__


def _mappings(claims: Any) -> Iterator[tuple[tuple[str, ...], Mapping[Any, Any]]]:
    """Yield the mappings that hold tensors themselves, level by level, each once."""
    level: list[tuple[tuple[str, ...], Any]] = [((), claims)]
    seen: set[int] = set()
    for _ in range(MAX_DEPTH):
        below: list[tuple[tuple[str, ...], Any]] = []
        for path, mapping in level:
            if not isinstance(mapping, Mapping) or id(mapping) in seen:
                continue
            seen.add(id(mapping))
            if any(_is_tensor(key, value) for key, value in mapping.items()):
                yield path, mapping
            below += [((*path, k), v) for k, v in mapping.items() if _is_inside(k, v)]
        level = below


def _is_inside(key: Any, value: Any) -> bool:
    return isinstance(key, str) and isinstance(value, Mapping)


def _is_tensor(key: Any, value: Any) -> bool:
    """Return whether an entry can be used: one without elements holds nothing."""
    named = isinstance(key, str) and len(key) <= MAX_NAME_LENGTH
    return named and isinstance(value, TensorClaim) and 0 not in value.shape


def _prefixes(mapping: Mapping[Any, Any], needed: frozenset[str], rename: Names) -> Counter[str]:
    """Return how many of the needed names stand behind each prefix."""
    counts: Counter[str] = Counter()
    for key, value in mapping.items():
        if not _is_tensor(key, value):
            continue
        name = rename(key)
        start = 0
        while start >= 0:
            if name[start:] in needed:
                counts[name[:start]] += 1
            dot = name.find(".", start)
            start = dot + 1 if dot >= 0 else -1
    return counts


def _reading(
    path: tuple[str, ...], mapping: Mapping[Any, Any], prefix: str, rename: Names
) -> Reading:
    tensors = {rename(key): key for key, value in mapping.items() if _is_tensor(key, value)}
    keys = {n.removeprefix(prefix): key for n, key in tensors.items() if n.startswith(prefix)}
    return Reading(
        path=path,
        prefix=prefix,
        keys=keys,
        tensors={name: mapping[key] for name, key in keys.items()},
        beside=len(tensors) - len(keys),
        metadata=_metadata(mapping, prefix),
    )


def _metadata(mapping: Mapping[Any, Any], prefix: str) -> Mapping[str, Any] | None:
    """Return the version numbers of the modules behind a prefix, by their names without it."""
    if not isinstance(mapping, ClaimedDict) or mapping.metadata is None:
        return None
    versions = {}
    for module, entry in mapping.metadata.items():
        version = entry.get("version") if isinstance(entry, Mapping) else None
        if isinstance(module, str) and f"{module}.".startswith(prefix) and type(version) is int:
            versions[f"{module}."[len(prefix) :].rstrip(".")] = {"version": version}
    return versions or None
