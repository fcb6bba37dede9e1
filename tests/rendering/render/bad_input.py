"""One broken input at a time, and what rendering says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from project import Outcome, snapshot

BASE = "environments/base.yaml"
DEV = "environments/dev/values.yaml"
RELEASE = "environments/dev/release.yaml"
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"
SCHEMA = "templates/pipelines/hello/values.schema.json"
COUNT = "components/count_words/component.yaml"
PINNED = "environments/prod/pinned/hello"
LATIN = "latin-1"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(f'*{old}' for _ in range(10))}]\n"
    for old, new in zip("abcdef", "bcdefg", strict=True)
)


@dataclass(frozen=True)
class Case:
    """One broken input: `old` in a file is replaced by `new` (the whole file when `old` is None)."""

    id: str
    path: str
    old: str | None
    new: str
    says: tuple[str, ...]
    env: str = "dev"


def _break(root: Path, case: Case) -> None:
    path = root / case.path
    text = path.read_text("utf-8") if path.is_file() else ""
    if case.new == LATIN:
        path.write_bytes(b"follows: \xe9\n")
    elif case.old is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(case.new, "utf-8")
    else:
        assert text.count(case.old) == 1, f"{case.old!r} stands {text.count(case.old)} times in {case.path}"
        path.write_text(text.replace(case.old, case.new), "utf-8")


def rendered(case: Case, repository: Path, command: Callable[..., Outcome]) -> tuple[Outcome, bool]:
    """What rendering says of the broken repository, and whether any file is another one after it."""
    _break(repository, case)
    before = snapshot(repository)
    outcome = command("render", "--root", repository, "--env", case.env)
    return outcome, snapshot(repository) != before
