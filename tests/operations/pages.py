"""The pages of the runbook as a test reads them: of each section its commands, as somebody types them at night."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from project import PROJECT

FOLDER = PROJECT / "docs/runbook"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TYPED = "console"
"""The blocks whose lines are typed."""


@dataclass(frozen=True)
class Page:
    """One page: section → its commands, a line that goes on joined to one."""

    name: str
    text: str
    sections: Mapping[str, tuple[str, ...]]

    @property
    def commands(self) -> list[str]:
        return [command for commands in self.sections.values() for command in commands]


def names() -> list[str]:
    """All but the index."""
    return sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")


@cache
def read(name: str) -> Page:
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    sections = {title: _commands(body) for title, body in zip(parts[::2], parts[1::2], strict=True)}
    return Page(name, text, {title: commands for title, commands in sections.items() if commands})


def beside(text: str) -> list[str]:
    """What stands within a line, or in a block that nobody types at night, and is for kubectl or argocd."""
    spans = re.findall(r"`([^`\n]+)`", _BLOCK.sub("", text))
    lines = [line for kind, block in _BLOCK.findall(text) if kind != TYPED for line in block.splitlines()]
    found = (line.removesuffix("&").strip() for line in [*spans, *lines])
    return [line for line in found if re.match(r"(kubectl|argocd) \S+ \S", line)]


def _commands(text: str) -> tuple[str, ...]:
    blocks = [block for kind, block in _BLOCK.findall(text) if kind == TYPED]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return tuple(re.sub(r" {2,}", " ", re.sub(r" {2,}#.*", "", line)).strip() for line in lines)
