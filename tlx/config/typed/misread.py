"""Names that Hydra's grammar reads as numbers or truth values: told with the quotes they need."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any, Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from pydantic import ValidationError

from tlx.config.choices.options import adapter_of, annotations_of, target_of
from tlx.errors import Fault

_WORD: Final = re.compile(r"'(?:\\.|[^'])*'|\"(?:\\.|[^\"])*\"|[^\s,\[\]{}:'\"]+")


def misread_faults(
    overrides: Sequence[Override], cfg: DictConfig
) -> tuple[list[Override], list[Fault]]:
    """Return the overrides that are read as they look, and a fault for each that is not.

    Args:
        overrides: What the user typed, parsed.
        cfg: The composed configuration, which says what each group's options are.
    """
    good, faults = [], []
    for override in overrides:
        words = _misread(override, cfg)
        if words:
            faults.append(_fault(override, words))
        else:
            good.append(override)
    return good, faults


def _misread(override: Override, cfg: DictConfig) -> dict[str, Any]:
    """Return the words that are read as something else, with what they are read as."""
    annotation = _annotation(override, cfg)
    text = _value_text(override)
    if annotation is None or "(" in text or "$" in text:
        return {}
    is_list = "[" in text
    if not _takes(annotation, ["x"] if is_list else "x"):
        return {}
    read = {word: _read(word) for word in _WORD.findall(text)}
    return {
        word: value
        for word, value in read.items()
        if not isinstance(value, str)
        and (str(value) != word if is_list else not _takes(annotation, value))
    }


def _annotation(override: Override, cfg: DictConfig) -> Any:
    group, _, option = override.key_or_group.partition(".")
    node = OmegaConf.select(cfg, group) if option and group != "hydra" else None
    if not isinstance(node, DictConfig) or "_target_" not in node:
        return None
    try:
        return annotations_of(target_of({"_target_": node["_target_"]})).get(option)
    except ImportError:  # the check of the options says why
        return None


def _takes(annotation: Any, value: object) -> bool:
    try:
        adapter_of(annotation).validate_python(value, strict=isinstance(value, bool))
    except ValidationError:
        return False
    return True


def _read(word: str) -> Any:
    """Return what Hydra reads a word as; a text where it is quoted or cannot be read alone."""
    if word[:1] in "'\"":
        return word
    try:
        return OverridesParser.create().parse_rule(word, "primitive")
    except HydraException:
        return word


def _value_text(override: Override) -> str:
    return str(override.input_line).partition("=")[2]


def _fault(override: Override, words: dict[str, Any]) -> Fault:
    key, text = override.key_or_group, _value_text(override)
    quoted = _WORD.sub(lambda found: f'"{found[0]}"' if found[0] in words else found[0], text)
    read = " and ".join(f"{word} as {_kind(value)}" for word, value in words.items())
    remedy = f"Quote what is a name: {shlex.quote(f'{key}={quoted}')}."
    return Fault(key, text, f"Hydra reads {read}", remedy)


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    return "a truth value" if isinstance(value, bool) else f"the number {value}"
