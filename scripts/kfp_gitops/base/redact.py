"""Texts of others (a server's error, a proxy's page) without the secrets that they may hold.

Ours: detect-secrets reads source code and says where something is; it hides nothing in messages and headers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

_learned: set[str] = set()
_WORDS = r"passw|pwd|secret|token|api[_-]?key|access[_-]?key|session|credential"
_NAMED = re.compile(_WORDS, re.IGNORECASE)
_LEAST = 8
"""Characters of a secret that is hidden wherever it stands; what is shorter may be a word."""
_HIDDEN = "[hidden]"
# Each keeps group 1, which says what was there, and hides the rest.
_PATTERNS = (
    # user:password@ of a URL
    re.compile(r"(://)[^\s/@]+(?=@)"),
    # a whole header line that identifies somebody
    re.compile(r"((?i:cookie|authorization)[\"']?\s*[:=]\s*)[^\r\n]+"),
    re.compile(r"\b((?i:bearer|basic)\s+)[^\s\"',;]{6,}"),
    # a JSON Web Token wherever it stands
    re.compile(r"()\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"),
    # `password=…`, `"token": "…"`, `AWS_WORDS_ACCESS_KEY=…`
    re.compile(
        rf"([\w.-]{{0,60}}(?i:{_WORDS})[\w.-]{{0,60}}"
        r"[\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&}\])]+)"
    ),
)


def learn(secret: str) -> None:
    """Hide it in this process from now on: what was read as a secret is one, whatever it looks like."""
    parts = (part.partition("=")[2].strip() for part in secret.split(";"))  # as cookies are written
    _learned.update(part for part in (secret, *parts) if len(part) >= _LEAST)


def text(found: str, known: Iterable[str] = ()) -> str:
    """The text with `known` and learned secrets and everything that looks like one hidden."""
    for secret in sorted({*known, *_learned}, key=len, reverse=True):
        if len(secret) >= 4:  # what is shorter is a part of words
            found = found.replace(secret, _HIDDEN)
    for pattern in _PATTERNS:
        found = pattern.sub(rf"\1{_HIDDEN}", found)
    return found


def value(name: str, found: Any) -> Any:
    """A parameter's value without secrets: hidden where a name says that it is one, be it inside a map."""
    if isinstance(found, dict):
        return {key: value(f"{name}.{key}", item) for key, item in found.items()}
    if isinstance(found, list):
        return [value(name, item) for item in found]
    if not isinstance(found, str):
        return found
    return _HIDDEN if found and _NAMED.search(name) else text(found)


def traceback(found: str) -> str:
    """A traceback, in which anything may stand: also without what the environment holds under a secret's name."""
    return text(found, _in_environment())


def _in_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if len(value) >= _LEAST and _NAMED.search(name) and not os.path.exists(value):  # noqa: PTH110  # any text at all
            yield value
