"""Check the options of a configuration node against the signature of what it configures.

The signature is the one place that says which options exist, their types and their bounds
(`Annotated[float, Field(gt=0)]`), so a new method needs no schema beside its code.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, get_type_hints

from hydra.utils import get_method
from pydantic import ConfigDict, TypeAdapter, ValidationError

from tlx.errors import Fault, did_you_mean

INSTRUCTIONS = frozenset({"_target_", "_args_", "_partial_", "_recursive_", "_convert_"})
"""Keys that tell Hydra's `instantiate` what to make and how. Options are values."""


def instructions_in(value: Any, key: str = "") -> list[str]:
    """Return where a value holds a key that says what to make, at any depth, in dotted form."""
    found: list[str] = []
    if isinstance(value, Mapping):
        for name, inner in value.items():
            place = f"{key}.{name}".lstrip(".")
            found += [place] if name in INSTRUCTIONS else []
            found += instructions_in(inner, place)
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            found += instructions_in(inner, f"{key}[{position}]")
    return found


def instruction_fault(key: str, value: object) -> Fault:
    """Return the fault of a key that says what to make where values belong."""
    return Fault(
        key,
        value,
        "only the file of an installed option says what to make, options are plain values",
        "Leave it out; docs/extending.md tells how methods of your own become options.",
    )


def target_of(node: Mapping[str, Any]) -> Callable[..., Any]:
    """Import and return what a node's `_target_` names.

    Raises:
        ImportError: Where nothing importable has that name.
    """
    name = node.get("_target_")
    if not name:
        raise ImportError("nothing says what to make of the options")
    try:
        return get_method(str(name))
    except Exception as error:
        reason = " ".join(f"{error.__cause__ or error}".split())
        raise ImportError(f"cannot import {name!r}: {reason}") from error


def check_options(group: str, node: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Check a node's options against its target's signature.

    Args:
        group: The node's place in the configuration (`strategy`), for the faults' keys.
        node: Plain mapping with `_target_` and the options.

    Returns:
        The options converted to their annotated types, and the faults found.
    """
    try:
        target = target_of(node)
    except ImportError as error:
        remedy = "Give the dotted name of a class or function."
        return {}, [Fault(f"{group}._target_", node.get("_target_"), str(error), remedy)]
    return check_values(group, node, annotations_of(target), _required(target))


def check_values(
    group: str, node: Mapping[str, Any], annotations: Mapping[str, Any], required: frozenset[str]
) -> tuple[dict[str, Any], list[Fault]]:
    """Check a mapping of values against annotations, as `check_options` does."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    prefix = f"{group}." if group else ""
    for name, value in node.items():
        if group and name == "_target_":
            continue
        wrong = instructions_in({name: value}, group)
        if wrong:
            faults += [instruction_fault(place, value) for place in wrong]
        elif name not in annotations:
            reason = f"{group or 'the configuration'} has no option {name!r}"
            faults.append(Fault(prefix + name, value, reason, did_you_mean(name, annotations)))
        elif value == "???":
            faults.append(
                Fault(prefix + name, value, "needs a value", f"Give {prefix}{name}=VALUE.")
            )
        else:
            _convert(prefix + name, value, annotations[name], values, faults)
    missing = sorted(required - node.keys())
    faults += [
        Fault(prefix + m, None, "needs a value", f"Give {prefix}{m}=VALUE.") for m in missing
    ]
    return values, faults


def annotations_of(target: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations of a target's options.

    The options of a dataclass are its fields; those of a function or another class are its
    keyword-only parameters (what comes before them is given by the program, not by the user).
    """
    written = {name: p.annotation for name, p in _options(target).items()}
    empty = inspect.Parameter.empty
    asked = {name: Any if a is empty else a for name, a in written.items()}
    # Only the options are resolved: what the program gives may be imported for type checkers alone.
    return {
        name: get_type_hints(
            type("Holder", (), {"__annotations__": {name: annotation}}),
            globalns=_namespace(target, name),
            include_extras=True,
        )[name]
        for name, annotation in asked.items()
    }


def _namespace(target: Callable[..., Any], option: str) -> dict[str, Any]:
    """Return the names that an option's annotation uses; a class may inherit it from elsewhere."""
    if is_dataclass(target) and inspect.isclass(target):
        owners = (c for c in target.__mro__ if option in inspect.get_annotations(c))
        return vars(sys.modules[next(owners, target).__module__])
    function = inspect.getattr_static(target, "__init__") if inspect.isclass(target) else target
    own = getattr(inspect.unwrap(function), "__globals__", None)
    return own if own is not None else vars(sys.modules[target.__module__])


def _options(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(target).parameters
    if is_dataclass(target):
        return dict(parameters)
    return {n: p for n, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}


def _required(target: Callable[..., Any]) -> frozenset[str]:
    options = _options(target).items()
    return frozenset(name for name, p in options if p.default is inspect.Parameter.empty)


def _convert(
    key: str, value: Any, annotation: Any, values: dict[str, Any], faults: list[Fault]
) -> None:
    adapter = adapter_of(annotation)
    try:
        # Not lax with true and false, which would pass for 1 and 0.
        converted = adapter.validate_python(value, strict=isinstance(value, bool))
        values[key.rsplit(".", 1)[-1]] = converted
    except ValidationError as error:
        reasons = list(dict.fromkeys(detail["msg"] for detail in error.errors()))
        remedy = _remedy(annotation, value)
        faults.append(Fault(key, value, " or ".join(map(_reason, reasons)), remedy))


def adapter_of(annotation: Any) -> TypeAdapter[Any]:
    """Return what checks values against an annotation."""
    try:
        config = ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False)
        return TypeAdapter(annotation, config=config)
    except Exception:  # dataclasses and models carry a config of their own
        return TypeAdapter(annotation)


def _reason(message: str) -> str:
    words = message.replace("Input should", "must").rstrip(".")
    return words[:1].lower() + words[1:]


def _remedy(annotation: Any, value: Any) -> str:
    schema = adapter_of(annotation).json_schema()
    meant = did_you_mean(str(value), _words(schema))
    return meant if meant.startswith("Did") else f"It takes {_describe(schema)}."


def _words(schema: Mapping[str, Any]) -> list[str]:
    """Return the words among which an option lets choose."""
    found = [*schema.get("enum", ()), schema.get("const")]
    words = [word for word in found if isinstance(word, str)]
    return words + [word for part in schema.get("anyOf", ()) for word in _words(part)]


def _describe(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_describe(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    bounds = [
        f"{words} {_plain_number(schema[key])}"
        for key, words in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
        )
        if key in schema
    ]
    words = {
        "integer": "a whole number",
        "number": "a number",
        "string": "a word",
        "boolean": "true or false",
        "null": "null",
        "array": "a list",
    }
    word = words.get(schema.get("type", ""), "another value")
    return f"{word} {' and '.join(bounds)}".strip()


def _plain_number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
