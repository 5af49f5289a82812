"""Read what torch.save pickled as claims: nothing that the pickle names is looked up or called.

The instructions are those that torch's own `weights_only` reader knows. Each builds plain values or
claims, so that neither code nor memory is at the file's disposal.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Sequence
from typing import IO, Any, Final

from tlx.backbones.weights.files.claims import (
    ClaimedDict,
    OtherClaim,
    StorageClaim,
    UnreadableError,
)
from tlx.backbones.weights.files.pickle_calls import Global, check_key, is_known, made, storage

MAX_PICKLE_BYTES: Final = 32 * 1024 * 1024
"""torch's pickles name tensors and do not hold them: ResNet-152's has 0.2 MB."""
MAX_INSTRUCTIONS: Final = 1_000_000
"""A tensor takes about thirty; EfficientNetV2-L with optimizer and average about 200,000."""
_OLD_MODULES: Final = {"__builtin__": "builtins", "torch.cuda": "torch"}


class PickleReader:
    """Reads the pickles of one file.

    Attributes:
        foreign: Names of what it would import beside what tensors and plain values need.
        other_tensors: What it holds of tensors that are not dense.
        storages: Every storage it names, by key.
    """

    def __init__(self) -> None:
        self.foreign: list[str] = []
        self.other_tensors: list[str] = []
        self.storages: dict[str, StorageClaim] = {}
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def read(self, file: IO[bytes]) -> Any:
        """Return what the next pickle holds: plain values, `ClaimedDict` and claims.

        Args:
            file: At the pickle's first byte; it is left behind the last one.

        Raises:
            UnreadableError: If it is damaged, too large, or holds what torch.save does not write.
        """
        self._stack, self._marks, self._memo = [], [], {}
        try:
            for count, (instruction, argument, _) in enumerate(pickletools.genops(file)):
                if count > MAX_INSTRUCTIONS or file.tell() > MAX_PICKLE_BYTES:
                    raise UnreadableError("its pickle is larger than those of tensors are")
                if instruction.name == "STOP":
                    return self._stack.pop()
                self._step(instruction.name, argument)
        except (LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise UnreadableError("it cannot be read (its pickle is damaged)") from error
        raise UnreadableError("it cannot be read (its pickle is cut off)")

    def _step(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name]())
        elif name in _VALUES:
            self._stack.append(argument)
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif name != "PROTO":
            raise UnreadableError(
                f"its pickle has the instruction {name}, which torch.save does not write",
                "Save it again by torch.save(network.state_dict(), path), without pickle_protocol.",
            )

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        full = f"{_OLD_MODULES.get(module, module)}.{name}"
        if not is_known(full):
            self.foreign.append(full)
        self._stack.append(Global(full))

    def _mark(self, _: Any) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._marks.pop()
        return items

    def _tuple(self, _: Any) -> None:
        items = tuple(self._since_mark())
        self._stack.append(items)

    def _short_tuple(self, count: int) -> None:
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        self._stack.append(items)

    def _extend(self, items: Sequence[Any]) -> None:
        if type(self._stack[-1]) is list:
            self._stack[-1].extend(items)

    def _set_items(self, items: Sequence[Any]) -> None:
        target = self._stack[-1]
        for key, value in zip(items[::2], items[1::2], strict=True):
            check_key(key)
            if isinstance(target, dict):
                target[key] = value

    def _call(self, _: Any) -> None:
        arguments = self._stack.pop()
        value = made(self._stack[-1], arguments)
        if isinstance(value, OtherClaim) and value.is_tensor:
            self.other_tensors.append(value.what)
        self._stack[-1] = value

    def _build(self, _: Any) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, ClaimedDict):
            if not isinstance(state, dict) or set(state) - {"_metadata"}:
                raise UnreadableError("it holds a mapping with attributes of its own")
            metadata = state.get("_metadata")
            target.metadata = metadata if isinstance(metadata, dict) else None
        elif not isinstance(target, OtherClaim):
            raise UnreadableError("it sets the inside of a value, which torch.save does not do")

    def _persistent(self, _: Any) -> None:
        given = self._stack.pop()
        if isinstance(given, tuple) and given[:1] == ("module",):
            # The class of a network, beside its source code.
            self._stack.append(given[1])
            return
        claim, dtype = storage(given)
        largest = max(claim.nbytes, self.storages.get(claim.key, claim).nbytes)
        self.storages[claim.key] = StorageClaim(claim.key, largest)
        self._stack.append((claim, dtype))

    def _remember(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def _recall(self, index: int) -> None:
        self._stack.append(self._memo[index])


_VALUES: Final = frozenset(
    ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING")
)
_CONSTANTS: Final[dict[str, Callable[[], Any]]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": lambda: (),
    "EMPTY_LIST": lambda: [],
    "EMPTY_DICT": ClaimedDict,
    "EMPTY_SET": lambda: OtherClaim("builtins.set"),
}
_ACTIONS: Final[dict[str, Callable[[PickleReader, Any], None]]] = {
    "GLOBAL": PickleReader._global,
    "MARK": PickleReader._mark,
    "TUPLE": PickleReader._tuple,
    "TUPLE1": lambda reader, _: reader._short_tuple(1),
    "TUPLE2": lambda reader, _: reader._short_tuple(2),
    "TUPLE3": lambda reader, _: reader._short_tuple(3),
    "APPEND": lambda reader, _: reader._extend([reader._stack.pop()]),
    "APPENDS": lambda reader, _: reader._extend(reader._since_mark()),
    "SETITEM": lambda reader, _: reader._set_items([reader._stack.pop(-2), reader._stack.pop()]),
    "SETITEMS": lambda reader, _: reader._set_items(reader._since_mark()),
    "REDUCE": PickleReader._call,
    "NEWOBJ": PickleReader._call,
    "BUILD": PickleReader._build,
    "BINPERSID": PickleReader._persistent,
    "BINGET": PickleReader._recall,
    "LONG_BINGET": PickleReader._recall,
    "BINPUT": PickleReader._remember,
    "LONG_BINPUT": PickleReader._remember,
}
