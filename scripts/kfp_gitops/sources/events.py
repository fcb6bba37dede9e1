"""Known events of an environment, `environments/<env>/events/*.yaml`: what no forecast can know.

Templates get them as `events`, in order of their begin, with instants in UTC; which pipeline takes them is its own say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path as Folder
from typing import Any

from kfp_gitops.base import files, schema
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamltext import Document, parse

MAX_EVENTS = 200
MAX_LENGTH = timedelta(days=92)
"""As far back as usage is ever read; what lasts longer is no event but how things are."""


def folder(environment: str) -> str:
    """Where an environment's events stand."""
    return f"environments/{environment}/events"


def load(root: Folder, environment: str) -> tuple[Mapping[str, Any], ...]:
    """The events of an environment, in order of begin, end and file.

    Raises:
        InputError: every problem of every file.
    """
    where = folder(environment)
    names = [name for name in files.list_files(root, where, hidden=True) if not _is_a_tools(name)]
    found: list[tuple[str, Mapping[str, Any]]] = []
    problems = [*_strangers(where, names), *_no_folder(root, where)]
    for name in (name for name in names if _is_event(name)):
        try:
            document = parse(files.read_text(root, f"{where}/{name}"), f"{where}/{name}")
            raise_if_any(schema.problems(schema.named("event"), document))
            raise_if_any(_unsound(document))
            found.append((name, _plain(document.value)))
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    ordered = sorted(found, key=lambda each: (each[1]["from"], each[1]["to"], each[0]))
    return tuple(event for _, event in ordered)


def _is_event(name: str) -> bool:
    return name.endswith(".yaml") and "/" not in name and not name.startswith(".")


def _is_a_tools(name: str) -> bool:
    """Hidden, and not thought an event by anybody: .gitkeep, what an editor keeps."""
    hidden = any(part.startswith(".") for part in name.split("/"))
    return hidden and not name.endswith((".yaml", ".yml"))


def _no_folder(root: Folder, where: str) -> Iterator[Problem]:
    if (root / where).is_file():
        todo = f"make it a folder, and the event {where}/NAME.yaml"
        yield Problem(where, 1, 1, "this is a file, and read by nobody", todo)


def _strangers(where: str, names: list[str]) -> Iterator[Problem]:
    """What would be thought an event, and is read by nobody."""
    for name in names:
        if not _is_event(name) and name.rpartition("/")[2].lower() != "readme.md":
            todo = f"name it {where}/NAME.yaml, or take it out of the folder"
            yield Problem(f"{where}/{name}", 1, 1, "this is read by nobody", todo)
    if sum(map(_is_event, names)) > MAX_EVENTS:
        yield Problem(where, 1, 1, f"more than {MAX_EVENTS} events", "delete those that are over and learnt")


def _unsound(document: Document) -> Iterator[Problem]:
    """What the schema cannot tell: instants that there are, in their order, and no longer than an event is."""
    begin, end = (_instant(document.value[key]) for key in ("from", "to"))
    for key, instant in (("from", begin), ("to", end)):
        if instant is None:
            what = f"{key} is {document.value[key]!r}, which no calendar has"
            yield document.problem((key,), what, "write a real instant, such as 2026-12-24T08:00:00+01:00")
    if begin is None or end is None:
        return
    if end <= begin:
        yield document.problem(("to",), "it ends before it begins", "write an instant after `from`")
    elif end - begin > MAX_LENGTH:
        what = f"it lasts {(end - begin).days} days; an event lasts at most {MAX_LENGTH.days}"
        yield document.problem(("to",), what, "what lasts is in the data soon: end it earlier")
    if len(document.value["services"]) > 1 and "*" in document.value["services"]:
        yield document.problem(("services",), "* is all services", "write `services: ['*']`, or names alone")


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _utc(text: str) -> str:
    """Four digits of the year, which `strftime` writes of years of this millennium alone."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _plain(event: Mapping[str, Any]) -> dict[str, Any]:
    """As templates and pipelines get it: UTC, services in order, `learn` said."""
    instants = {key: _utc(event[key]) for key in ("from", "to")}
    amount = {key: event[key] for key in ("floor", "factor") if key in event}
    return {
        "services": sorted(event["services"]),
        **instants,
        **amount,
        "reason": event["reason"],
        "learn": event.get("learn", True),
    }
