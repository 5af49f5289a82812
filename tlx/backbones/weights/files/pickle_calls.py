"""What the calls in a pickle of torch.save stand for: tensors as claims, plain values, the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import torch

from tlx.backbones.weights.files.claims import (
    ClaimedDict,
    OtherClaim,
    StorageClaim,
    TensorClaim,
    UnreadableError,
    check_claim,
    shown,
)

MAX_DIMENSIONS: Final = 64
MAX_NUMBER: Final = 2**62
_STORAGE_TYPES: Final[dict[str, torch.dtype]] = {
    "Double": torch.float64,
    "Float": torch.float32,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
    "ComplexFloat": torch.complex64,
    "ComplexDouble": torch.complex128,
    "QInt8": torch.int8,
    "QUInt8": torch.uint8,
    "QInt32": torch.int32,
    "Untyped": torch.uint8,
}
_TENSORS: Final = tuple(f"torch._utils._rebuild_tensor{end}" for end in ("", "_v2", "_v3"))
_PARAMETERS: Final = (
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.nn.parameter.Parameter",
)
_OTHER_TENSORS: Final = {
    "torch._utils._rebuild_sparse_tensor": "sparse tensor",
    "torch._utils._rebuild_qtensor": "quantised tensor",
    "torch._utils._rebuild_meta_tensor_no_storage": "tensor on the meta device, without values,",
    "torch._utils._rebuild_nested_tensor": "nested tensor",
    "torch._utils._rebuild_wrapper_subclass": "tensor of a class of its own",
    "torch._utils._rebuild_device_tensor_from_numpy": "tensor of another device",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": "tensor of another device",
}
_OF_ANOTHER_TYPE: Final = "torch._tensor._rebuild_from_type_v2"
_PLAIN: Final = (
    "torch.Size",
    "torch.device",
    "torch.serialization._get_layout",
    "_codecs.encode",
    "builtins.set",
    "builtins.complex",
    "builtins.bytearray",
    "collections.Counter",
)
"""What may be called beside tensors: it makes a value that is not looked at."""
_CODECS: Final = ("latin1", "latin-1")
_DTYPES: Final = {
    f"torch.{name}": value for name, value in vars(torch).items() if isinstance(value, torch.dtype)
}
_CONSTANTS: Final = frozenset(
    f"torch.{name}"
    for name, value in vars(torch).items()
    if isinstance(value, torch.dtype | torch.qscheme | torch.layout)
)
_KNOWN: Final = frozenset(
    (
        *_TENSORS,
        *_PARAMETERS,
        *_OTHER_TENSORS,
        *_PLAIN,
        *_CONSTANTS,
        _OF_ANOTHER_TYPE,
        "collections.OrderedDict",
        "torch.Tensor",
    )
)
_Atom = (str, bytes, int, float, bool, type(None))


@dataclass(frozen=True)
class Global:
    """A name that a pickle would import."""

    name: str


def is_known(name: str) -> bool:
    """Return whether tensors and plain values need what has this name."""
    return name in _KNOWN or storage_type(Global(name)) is not None


def storage_type(kind: Any) -> torch.dtype | None:
    """Return the number type of a storage class, or None where it is none."""
    if not isinstance(kind, Global):
        return None
    module, _, name = kind.name.rpartition(".")
    if module not in ("torch", "torch.storage") or not name.endswith("Storage"):
        return None
    return _STORAGE_TYPES.get(name.removesuffix("Storage"))


def storage(given: Any) -> tuple[StorageClaim, torch.dtype]:
    """Return the storage that a persistent id names.

    Raises:
        UnreadableError: If it is none that torch.save writes.
    """
    if not isinstance(given, tuple) or len(given) not in (5, 6) or given[0] != "storage":
        raise UnreadableError("it refers to something that is no storage")
    kind, key, _location, count = given[1:5]
    dtype = storage_type(kind)
    if dtype is None or type(count) is not int or not 0 <= count < MAX_NUMBER:
        raise UnreadableError("it names a storage of an unknown kind")
    return StorageClaim(str(key), count * dtype.itemsize), dtype


def made(called: Any, arguments: Any) -> Any:
    """Return what a call stands for, as claims or plain values.

    Args:
        called: What is called.
        arguments: What it is given.

    Raises:
        UnreadableError: If a tensor claims what is not there, or the call is none of torch.save's.
    """
    if not isinstance(called, Global) or not isinstance(arguments, tuple):
        return OtherClaim("value of an unknown kind")
    name = called.name
    if name == "collections.OrderedDict":
        return _ordered(arguments)
    if name in _OTHER_TENSORS:
        return OtherClaim(_OTHER_TENSORS[name], is_tensor=True)
    if name in _PARAMETERS:
        return arguments[0]
    if name == _OF_ANOTHER_TYPE:
        return _of_another_type(*arguments[:3])
    if name in _TENSORS:
        return _tensor(name, arguments)
    if name in _PLAIN:
        _check_plain(name, arguments)
        return arguments[0] if name == "torch.Size" else OtherClaim(name)
    if is_known(name):
        raise UnreadableError(f"it calls {shown(name)}, which torch.save does not write")
    return OtherClaim(name)


def check_key(key: Any) -> None:
    """Check that a mapping's key is a name, a number or a tuple of such.

    Raises:
        UnreadableError: If it is not; Python would hash a deep one until its stack ends.
    """
    parts = key if isinstance(key, tuple) else (key,)
    if not all(isinstance(part, _Atom) for part in parts):
        raise UnreadableError("it has a mapping whose keys are neither names nor numbers")


def _ordered(arguments: tuple[Any, ...]) -> ClaimedDict:
    pairs = ClaimedDict()
    for key, value in arguments[0] if arguments else ():
        check_key(key)
        pairs[key] = value
    return pairs


def _of_another_type(function: Any, kind: Any, arguments: Any) -> Any:
    plain = ("torch.Tensor", "torch.nn.parameter.Parameter")
    simple = isinstance(function, Global) and function.name in (*_TENSORS, *_PARAMETERS)
    if simple and isinstance(kind, Global) and kind.name in plain:
        return made(function, arguments)
    what = shown(kind.name) if isinstance(kind, Global) else "an unknown class"
    return OtherClaim(f"tensor of {what}", is_tensor=True)


def _tensor(name: str, arguments: tuple[Any, ...]) -> TensorClaim:
    (stored, dtype), offset, shape, stride = arguments[:4]
    if name.endswith("_v3"):
        dtype = _DTYPES[arguments[6].name]
    numbers = (offset, *shape, *stride)
    proper = all(type(value) is int and 0 <= value < MAX_NUMBER for value in numbers)
    if not proper or len(shape) != len(stride) or len(shape) > MAX_DIMENSIONS:
        raise UnreadableError("one of its tensors has no proper shape")
    claim = TensorClaim(tuple(shape), dtype, stored, offset, tuple(stride))
    check_claim(claim)
    return claim


def _check_plain(name: str, arguments: tuple[Any, ...]) -> None:
    """Refuse calls that take memory by a number, or time by a codec, or hash what is deep."""
    if name == "builtins.bytearray" and any(isinstance(value, int) for value in arguments):
        raise UnreadableError("it asks for a bytearray by its size")
    if name == "_codecs.encode" and arguments[1] not in _CODECS:
        raise UnreadableError("it encodes a text in another way than torch.save does")
    if name in ("builtins.set", "collections.Counter"):
        for value in arguments[0] if arguments else ():
            check_key(value)
