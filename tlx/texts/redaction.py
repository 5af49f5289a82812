"""Secrets left out of what is written and printed: passwords in addresses, values of secret keys.

What is redacted once stays as it is when it is redacted again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tlx.texts.secret_names import is_secret_name, is_secret_parameter, name_words

MARK: Final = "***redacted***"
"""Stands where a secret was."""

_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]{0,30}:"
_ADDRESS = re.compile(
    rf"(?P<scheme>(?<![A-Za-z0-9+.\-]){_SCHEME})?//"
    rf"(?P<rest>(?:(?!{_SCHEME}//)[^\s\"'<>`])*)"
)
_ORACLE = re.compile(r"(jdbc:oracle:\w+:)[^\s@/\"']+/[^\s@\"']+(?=@)", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~\-]{8,}")
_PAIR = re.compile(
    r"(?P<open>[?&;]?)(?P<quote>[\"']?)(?<![\w.\-])-{0,2}(?P<name>[A-Za-z_][\w.\-]{0,200})(?P=quote)"
    r"(?P<sign>[ \t]*[=:][ \t]*)"
)
_VALUE = re.compile(r"\$\{[^{}]*\}|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s\"'&;,)}\]]+")
_PORT_AND_PATH = re.compile(r"[^/?#:]*:\d{1,5}[/?#]")
_WRITTEN_ALONE = frozenset({"password", "passwd", "pwd", "passphrase", "secret", "authorization"})
"""Names that a colon in running text makes a secret of: `password: x`."""


def redact_text(text: str) -> str:
    """Return a text without the secrets that it can be seen to hold.

    These are the user's part of addresses (`scheme://user:password@host`), the secret parameters
    of queries and connection strings (`?password=x`, `;pwd=x`), values that follow a secret name
    (`api_key=x`, `"token": "x"`), and bearer tokens.

    Args:
        text: Any text: a log line, a command, an error.
    """
    if not _may_hold_secret(text):
        return text
    text = _ADDRESS.sub(_without_user, text)
    text = _ORACLE.sub(rf"\g<1>{MARK}", text)
    text = _BEARER.sub(rf"\g<1> {MARK}", text)
    return _without_values(text)


def redact_argument(argument: str) -> str:
    """Return one argument of a command line (`+group.option=value`) without its secret.

    Args:
        argument: An override as Hydra takes it, or any other argument.
    """
    key, sign, value = argument.partition("=")
    if sign and value and is_secret_name(key.lstrip("+~")) and not _is_no_secret(value):
        return f"{key}={MARK}"
    return redact_text(argument)


def redact(value: Any, name: str = "") -> Any:
    """Return plain containers without their secrets; the containers themselves stay as they are.

    Args:
        value: Mappings, lists and plain values.
        name: The dotted name of what holds the value.
    """
    if isinstance(value, Mapping):
        return {key: redact(item, f"{name}.{key}" if name else str(key)) for key, item in
                value.items()}  # fmt: skip
    if isinstance(value, list | tuple):
        return type(value)(redact(item, name) for item in value)
    if is_secret_name(name) and _can_be_secret(value, name):
        return MARK
    return redact_argument(value) if isinstance(value, str) else value


def redacted_names(value: Any, name: str = "") -> list[str]:
    """Return the dotted names of the values that hold `MARK`, in order."""
    return list(dict.fromkeys(_marked(value, name)))


def redacted_now(before: Any, after: Any) -> list[str]:
    """Return the dotted names whose values `redact` has changed.

    Args:
        before: What was given to it.
        after: What it returned.
    """
    earlier = set(redacted_names(before))
    return [name for name in redacted_names(after) if name not in earlier]


def redacted_keys_of(arguments: Sequence[str]) -> list[str]:
    """Return the keys of those arguments that hold a secret, for people."""
    return [
        argument.partition("=")[0].lstrip("+~")
        for argument in arguments
        if redact_argument(argument) != argument
    ]


def _marked(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _marked(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _marked(item, name)
    elif isinstance(value, str) and MARK in value:
        yield name


def _may_hold_secret(text: str) -> bool:
    return "=" in text or ":" in text or "Bearer" in text or "Basic" in text


def _can_be_secret(value: Any, name: str) -> bool:
    """Return whether a value under a secret name hides anything: switches and rates do not."""
    if isinstance(value, str):
        return not _is_no_secret(value)
    words = name_words(name)
    return type(value) is int and bool(words) and words[-1] in _WRITTEN_ALONE | {"pass", "pin"}


def _is_no_secret(text: str) -> bool:
    """Return whether a text under a secret name says nothing: unset, a switch, a reference."""
    plain = text.strip("\"'").lower()
    is_reference = re.fullmatch(r"\$\{[^{},]*\}", text.strip("\"'")) is not None
    return is_reference or plain in ("", "true", "false", "null", "none", "???")


def _without_user(found: re.Match[str]) -> str:
    scheme, rest = found["scheme"] or "", found["rest"]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        cut = authority.rindex("@")
    elif ":" in authority and "@" in rest and not _PORT_AND_PATH.match(rest):
        cut = rest.rindex("@")  # a password with a slash in it, which no address may have
    else:
        return found[0]
    return f"{scheme}//{MARK}{rest[cut:]}"


def _without_values(text: str) -> str:
    """Return a text without the values of its secret names, wherever one pair holds another."""
    pieces, done = [], 0
    for found in _PAIR.finditer(text):
        if found.start() < done or not _is_secret_pair(found):
            continue
        value = _VALUE.match(text, found.end())
        if value is None or MARK in value[0] or _is_no_secret(value[0]):
            continue
        if value[0] in ("Bearer", "Basic"):
            continue
        quote = value[0][0] if value[0][0] in "\"'" else ""
        pieces += [text[done : value.start()], f"{quote}{MARK}{quote}"]
        done = value.end()
    return "".join([*pieces, text[done:]])


def _is_secret_pair(found: re.Match[str]) -> bool:
    name, sign = found["name"], found["sign"]
    if found["open"] and sign == "=":
        return is_secret_parameter(name)
    if not is_secret_name(name):
        return False
    # In running text a colon may only end a phrase: "wrong token: 5".
    is_told = sign.endswith(" ") and ":" in sign and not found["quote"]
    words = name_words(name)
    return not is_told or len(words) > 1 or words[0] in _WRITTEN_ALONE
