"""The small repository, committed, to change; and the command on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from project import Outcome

Command = Callable[..., Outcome]
Golden = Callable[[str, str], None]
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"
DEV = "environments/dev/values.yaml"
BASE = "environments/base.yaml"
RELEASE = "environments/dev/release.yaml"
GREET = "components/greet/component.yaml"
COUNT = "components/count_words/component.yaml"
# A Tuesday; the fixture's schedule fires on Mondays.
NOW = "2026-11-24T12:00:00Z"


@dataclass(frozen=True)
class Edit:
    """`old` in a file is replaced by `new`."""

    path: str
    old: str
    new: str


def edit(root: Path, *edits: Edit) -> None:
    for change in edits:
        path = root / change.path
        text = path.read_text("utf-8")
        assert change.old in text, f"{change.old!r} is not in {change.path}"
        path.write_text(text.replace(change.old, change.new, 1), "utf-8")


def masked(text: str) -> str:
    """Digests by number of appearance: a golden tells that they differ, not what they are."""
    seen: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f"{found[1]}…{len(seen) + 1}")

    return re.sub(r"\b(sha-|sha256:)[0-9a-f]{20,64}\b", name, text)


def diff(command: Command, root: Path, *arguments: str) -> Outcome:
    rendered = command("render", "--root", root, "--env", "dev", "--lock")
    assert rendered.code == 0, rendered.err
    return command("diff", "--root", root, "--env", "dev", "--from", NOW, *arguments)
