"""Which names of options, properties and parameters hold secrets, told by their words."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

SECRET_WORDS: Final = frozenset({
    "password", "passwords", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets",
    "credential", "credentials", "creds", "authorization", "apikey", "accesskey", "secretkey",
    "privatekey", "accountkey", "authkey", "accesstoken", "authtoken", "sessiontoken",
    "bearer", "jwt",
})  # fmt: skip
"""Words that make a secret of a name wherever they stand in it."""

SECRET_LAST_WORDS: Final = frozenset({"token", "auth", "pass"})
"""Words that make a secret of a name which ends in them."""

SECRET_PAIRS: Final = frozenset(
    {(first, "key") for first in (
        "api", "access", "account", "private", "secret", "storage", "encryption", "signing",
        "shared", "auth", "session", "subscription", "ssh", "master", "service", "client",
    )} | {("access", "signature")}
)  # fmt: skip
"""Neighbouring words that make a secret of a name."""

SECRET_PARAMETERS: Final = frozenset({"sig", "signature", "key", "sas", "code", "password"})
"""Words that make a secret of an address's parameter (`?sig=`) which ends in them."""

TOKENS_OF_TEXT: Final = frozenset({
    "pad", "eos", "bos", "unk", "sep", "cls", "mask", "class", "special", "start", "end", "max",
    "min", "num", "n", "new", "per", "first", "last", "each", "next", "dist", "distillation",
})  # fmt: skip
"""What stands before `token` where that is a piece of text, or of an image."""

PASSES: Final = frozenset({
    "forward", "backward", "one", "single", "first", "second", "last", "n", "low", "high", "band",
})  # fmt: skip
"""What stands before `pass` where that is no password."""

ABOUT_SECRETS: Final = frozenset({
    "provider", "providers", "class", "type", "enabled", "length", "policy", "required", "ttl",
    "interval", "lifetime", "file", "path", "dir", "folder", "column", "columns", "name",
})  # fmt: skip
"""Last words of names that tell of a secret and do not hold it."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_HINT = re.compile("pass|pwd|secret|token|cred|key|auth|sig|jwt|bearer|sas|code", re.IGNORECASE)
"""Every secret name has one of these: most names are told by that alone."""
_GLUED = ("password", "passwd", "passphrase", "secretkey", "apikey", "accesskey", "privatekey")


def name_words(name: str) -> list[str]:
    """Return the words of a name, in lower case: `spark.ssl.keyPassword` has four."""
    return [word.lower() for word in _WORD.findall(name)]


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether a name is one of those that hold secrets.

    Args:
        name: Dotted, hyphenated, underscored or in camel case: `fs.s3a.secret.key`, `apiKey`.
    """
    words = name_words(name) if _HINT.search(name) else []
    if not words or words[-1] in ABOUT_SECRETS:
        return False
    if any(word in SECRET_WORDS or word.endswith(_GLUED) for word in words):
        return True
    if any(pair in SECRET_PAIRS for pair in pairwise(words)):
        return True
    before = words[-2] if len(words) > 1 else ""
    if words[-1] == "token":
        return before not in TOKENS_OF_TEXT
    if words[-1] == "pass":
        return before not in PASSES
    return words[-1] in SECRET_LAST_WORDS


def is_secret_parameter(name: str) -> bool:
    """Return whether a parameter of an address's query holds a secret: `sig`, `access_token`."""
    words = name_words(name)
    return is_secret_name(name) or (bool(words) and words[-1] in SECRET_PARAMETERS)
