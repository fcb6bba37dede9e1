"""Texts of strangers in GitHub's Markdown: whatever they say, they stay text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfp_gitops.base import visible


def fenced(language: str, text: str) -> Iterator[str]:
    """A code block that its content cannot end: a fence longer than any inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield text
    yield fence
    yield ""


def code(text: str) -> str:
    """A code span that its content cannot leave: no line break, no cell border, a fence longer than any inside."""
    flat = visible.line(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{flat or ' '}{pad}{fence}"


def plain(text: str) -> str:
    """Running text that may hold a stranger's words: nothing in it is markup, a mention or a link."""
    flat = " ".join(text.split())
    escaped = re.sub(r"([\\`*_{}\[\]<>|#!@~&])", r"\\\1", flat)
    # GitHub looks for these after it has taken the backslashes away: a space of no width parts them.
    return re.sub(r"(@|#|:(?=//)|www(?=\.))", r"\1&#8203;", escaped, flags=re.IGNORECASE)
