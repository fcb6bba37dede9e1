"""Texts of others (a server's error, a proxy's page) without the secrets that they may hold.

Ours: detect-secrets reads source code and says where something is; it hides nothing in messages and headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

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
    # `password=…`, `"token": "…"`, `AWS_SECRET_ACCESS_KEY=…`
    re.compile(
        r"([\w.-]{0,60}(?i:passw|pwd|secret|token|api[_-]?key|access[_-]?key|session|credential)[\w.-]{0,60}"
        r"[\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&}\])]+)"
    ),
)


def text(found: str, known: Iterable[str] = ()) -> str:
    """The text with `known` secrets and everything that looks like one hidden."""
    for secret in known:
        if len(secret) >= 4:  # what is shorter is a part of words
            found = found.replace(secret, _HIDDEN)
    for pattern in _PATTERNS:
        found = pattern.sub(rf"\1{_HIDDEN}", found)
    return found
