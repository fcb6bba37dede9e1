"""Backfills of an environment, `environments/<env>/backfills/<id>.yaml`: days that shall run once more, or at last.

One in a folder `backfills/<team>/` is that team's, and of its pipelines alone: so CODEOWNERS says who may ask for it.
They belong to their environment and are never promoted. What pipelines and schedules there are only a rendered
environment tells: `rendering.backfills` checks the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path as Folder
from typing import Any

from kfp_gitops.base import files, schema
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamltext import Document, parse
from kfp_gitops.language.firings import Range

MAX_BACKFILLS = 200
_ID = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Backfill:
    """One file; what its schema has as defaults is filled in in `value`."""

    id: str
    team: str
    """In whose folder it stands; "": in that of all."""
    document: Document

    @cached_property
    def value(self) -> Mapping[str, Any]:
        """All that it says."""
        found: Mapping[str, Any] = schema.filled_whole("backfill", self.document.value)
        return found

    @property
    def pipeline(self) -> str:
        """Whose runs they are."""
        return str(self.value["pipeline"])

    @property
    def range(self) -> Range:
        """From when to when."""
        return Range.of(self.value["from"], self.value["to"])


def folder(environment: str) -> str:
    """Where an environment's backfills stand."""
    return f"environments/{environment}/backfills"


def path(environment: str, name: str, team: str = "") -> str:
    """Where one stands."""
    return f"{folder(environment)}/{f'{team}/' if team else ''}{name}.yaml"


def load(
    root: Folder, environment: str, teams: Sequence[str] = (), now: datetime | None = None
) -> tuple[Backfill, ...]:
    """The backfills of an environment, by their ids.

    `now`: when it is (aware), for a range that has not passed yet is refused.

    Raises:
        InputError: every problem of every file that needs no pipeline to be seen.
    """
    where = folder(environment)
    names = [name for name in files.list_files(root, where, hidden=True) if not _is_a_tools(name)]
    problems = [*_no_folder(root, where), *_strangers(where, names, teams)]
    found: list[Backfill] = []
    for name in (name for name in names if _is_backfill(name, teams)):
        team, _, file = name.rpartition("/")
        try:
            document = parse(files.read_text(root, f"{where}/{name}"), f"{where}/{name}")
            raise_if_any(schema.problems(schema.named("backfill"), document))
            raise_if_any(_unsound(document, now or datetime.now(UTC)))
            found.append(Backfill(file.removesuffix(".yaml"), team, document))
        except InputError as error:
            problems += error.problems
    problems += _twice(found)
    raise_if_any(problems)
    return tuple(sorted(found, key=lambda one: one.id))


def _is_backfill(name: str, teams: Sequence[str]) -> bool:
    team, _, file = name.rpartition("/")
    stem = file.removesuffix(".yaml")
    return file != stem and bool(_ID.fullmatch(stem)) and (not team or team in teams)


def _is_a_tools(name: str) -> bool:
    """Hidden, and not thought a backfill by anybody: .gitkeep, what an editor keeps."""
    hidden = any(part.startswith(".") for part in name.split("/"))
    return hidden and not name.endswith((".yaml", ".yml"))


def _no_folder(root: Folder, where: str) -> Iterator[Problem]:
    if (root / where).is_file():
        todo = f"make it a folder, and the backfill {where}/ID.yaml"
        yield Problem(where, 1, 1, "this is a file, and read by nobody", todo)


def _strangers(where: str, names: Sequence[str], teams: Sequence[str]) -> Iterator[Problem]:
    """What would be thought a backfill, and is read by nobody."""
    for name in names:
        if not _is_backfill(name, teams) and name.rpartition("/")[2].lower() != "readme.md":
            known = f", or {where}/TEAM/ID.yaml of a team (there are: {', '.join(teams)})" if teams else ""
            todo = (
                f"name it {where}/ID.yaml{known}; an ID is a-z 0-9 -, a letter first, at most 40 characters"
            )
            yield Problem(f"{where}/{name}", 1, 1, "this is read by nobody", todo)
    if sum(_is_backfill(name, teams) for name in names) > MAX_BACKFILLS:
        yield Problem(where, 1, 1, f"more than {MAX_BACKFILLS} backfills", "delete those that are finished")


def _twice(found: Sequence[Backfill]) -> Iterator[Problem]:
    first: dict[str, Backfill] = {}
    for one in found:
        other = first.setdefault(one.id, one)
        if other is not one:
            what = f"the backfill {one.id!r} stands in {other.document.path}, too"
            yield Problem(one.document.path, 1, 1, what, "give one of them another name, which is its id")


def _unsound(document: Document, now: datetime) -> Iterator[Problem]:
    """What the schema cannot tell: days that there are, in their order, and all of them over."""
    value, ends = document.value, {}
    for key in ("from", "to"):
        try:
            ends[key] = Range.of(value[key], value[key])
        except ValueError:
            what = f"{key} is {value[key]!r}, which no calendar has"
            yield document.problem((key,), what, "write a real day, such as 2026-01-31")
    if len(ends) < 2:
        return
    start, end = ends["from"].start, ends["to"].end
    if end <= start:
        todo = "write a day that is not before `from`, or a later instant"
        yield document.problem(("to",), "it ends before it begins", todo)
    elif end > now:
        what = f"it ends at {end:%Y-%m-%dT%H:%M:%SZ}, which has not passed (it is {now:%Y-%m-%dT%H:%M:%SZ})"
        todo = (
            "a backfill is of days that are over, what comes is the schedule's: end it yesterday or earlier"
        )
        yield document.problem(("to",), what, todo)
