"""A traceback without the secrets of the settings: anything may stand in it, and it is pasted into reports."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from predictive_scaling.base.errors import InputError
from predictive_scaling.base.settings import PREFIX, setting

_HIDDEN = "[hidden]"
_NAMED = re.compile(r"passw|secret|token|access_?key|session|credential|webhook_url", re.IGNORECASE)
_PATTERNS = (
    re.compile(r"(://)[^\s/@]+(?=@)"),  # user:password@ of a URL
    re.compile(r"((?i:cookie|authorization)[\"']?\s*[:=]\s*)[^\r\n]+"),
    re.compile(r"\b((?i:bearer|basic)\s+)[^\s\"',;]{6,}"),
)
_LEAST = 8
"""Characters; what is shorter may be a word."""


def hidden(text: str) -> str:
    """The text without the values of settings and variables that are called a secret, and without what looks so."""
    for secret in sorted({*_secrets()}, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{_HIDDEN}", text)
    return text


def _secrets() -> Iterator[str]:
    for name, value in os.environ.items():
        if not _NAMED.search(name):
            continue
        filed = name.startswith(PREFIX) and name.endswith("_FILE")
        secret = _in_file(name.removeprefix(PREFIX).removesuffix("_FILE")) if filed else value
        if len(secret) >= _LEAST:
            yield secret


def _in_file(name: str) -> str:
    try:
        return setting(name)
    except InputError:
        return ""
