"""Recurring runs of a server as schedules of a manifest, or why one is none, and what to do. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import yaml

from kfp_gitops.checking.check import schedules as crons
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.language import cron
from kfp_gitops.reconcile import drift, timing

_LONGEST, _LONGEST_THERE = 40, 255
_CONCURRENT = range(1, 11)
_ACCOUNT = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class Left:
    """What is not imported: why, and what to do."""

    what: str
    why: str
    todo: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}; {self.todo}"


@dataclass(frozen=True)
class Content:
    """What is imported of a pipeline: a version, and the names of the others that its recurring runs pin."""

    version: str
    same: Set[str]
    """Ids of the versions that hold the same."""
    others: Mapping[str, str] = field(default_factory=dict)
    """Id → name of those that hold something else; a name is empty where the version is there no more."""


@dataclass(frozen=True)
class Recurring:
    """A recurring run as a schedule of the manifest."""

    found: ActualSchedule
    schedule: Mapping[str, Any]
    takes: Mapping[str, str]
    """What `adopts` says of it."""

    @property
    def name(self) -> str:
        """The schedule's."""
        return str(self.schedule["name"])


@dataclass(frozen=True)
class Terms:
    """On what terms recurring runs are imported."""

    account: str = ""
    """Whom the environment's steps run as; "": whom KFP lets them by itself."""
    pin: bool = False
    """Whether also those which run another version, or whichever is the newest, are to run the imported one."""


def recurring(
    pipeline: str, here: str, found: Sequence[ActualSchedule], content: Content, terms: Terms
) -> Iterator[Recurring | Left]:
    """Those of one pipeline, by name; `pipeline`: its name in KFP, `here`: that in its IR."""
    number, names = Counter(one.name for one in found), set[str]()
    for one in sorted(found, key=lambda its: (its.name, its.created, its.id)):
        what = f"recurring run {one.name!r} of {pipeline!r} ({one.id})"
        why = _twice(number[one.name]) or _not_ours(one) or _content(one, content, terms) or _unsayable(one)
        if why:
            yield Left(what, *why)
            continue
        name = _slug(plain(one.name, _LONGEST).removeprefix(f"{here}-") or "schedule", names)
        names.add(name)
        yield Recurring(one, _schedule(one, name), _takes(one, terms))


def can_be_written(name: str, longest: int) -> bool:
    """Whether a name in KFP can stand in the values: a reply may tell what is no text (a surrogate alone)."""
    return 0 < len(name) <= longest and name.encode("utf-8", "replace").decode() == name


def added(
    pipeline: str, here: str, found: Sequence[ActualSchedule], terms: Terms, known: Set[str]
) -> Iterator[Left]:
    """Those of a pipeline that was imported before, with the words that take each of them over.

    `known` are the names that its schedules have here. Which version one pins, the plan looks at.
    """
    pins = {one.version_id for one in found if one.version_id}
    content = Content("", pins)
    for one in recurring(pipeline, here, found, content, terms):
        if isinstance(one, Left):
            yield one
            continue
        name = _slug(one.name, known)
        what = f"recurring run {one.found.name!r} of {pipeline!r} ({one.found.id})"
        schedule, takes = _flow({**one.schedule, "name": name}), _flow({name: dict(one.takes)})
        yield Left(
            what,
            f"its pipeline {here} is in Git already, and nothing there says that it is meant",
            f"to take it over, write into the pipeline's values `schedules: [{schedule}]`, and beside the values "
            f"`adopts: {{schedules: {takes}}}`",
        )


def _flow(value: Mapping[str, Any]) -> str:
    """In one line, to be copied."""
    return yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    ).strip()


def _twice(number: int) -> tuple[str, str] | None:
    if number < 2:
        return None
    why = f"{number} recurring runs of this pipeline have this name, and Git tells them apart by it"
    return (
        why,
        "delete in KFP those that are not meant, or clone one under another name and delete it; then import again",
    )


def _not_ours(found: ActualSchedule) -> tuple[str, str] | None:
    if found.owner is None:
        return None
    whose = f"{found.owner.repository}, environment {found.owner.environment}"
    return f"the repository {whose} keeps it", "leave it there, or take it out of that one first"


def _content(found: ActualSchedule, content: Content, terms: Terms) -> tuple[str, str] | None:
    if found.inline:
        todo = "upload that as a pipeline, and make a recurring run of it"
        return "it has an IR of its own, and no registered version", todo
    if found.version_id in content.same or terms.pin:
        return None
    if found.version_id is None:
        why = "it runs whatever version is the newest, which Git cannot say: it names one"
        return why, _pin(content)
    there = content.others.get(found.version_id, "")
    if not there:
        todo = "delete it in KFP (one such keeps the API server from compiling any anew), or --pin"
        return "the version that it pins is there no more", todo
    why = f"it pins the version {there!r}, which holds something else than {content.version!r}, which is imported"
    return why, f"{_pin(content)}; or import the pipeline with --pipeline-version {there!r} instead"


def _pin(content: Content) -> str:
    which = repr(content.version) if content.version else "that Git has"
    todo = f"clone it in KFP with the version {which} and delete this one"
    return f"{todo}; or --pin, and `plan` shows that it is made anew"


def _unsayable(found: ActualSchedule) -> tuple[str, str] | None:
    """What no schedule of a manifest says, or what would be another recurring run."""
    if not can_be_written(found.name, _LONGEST_THERE):
        return "no file can hold its name, by which Git would know it", "make it anew in KFP"
    if found.damaged:
        return f"KFP tells {', '.join(found.damaged)} in a way that cannot be read", "make it anew in KFP"
    if found.pipeline_root:
        todo = "write it as `spec.pipelineRoot` into the template and make the recurring run anew without it"
        return f"its runs have a pipeline root of their own ({found.pipeline_root})", todo
    if found.plugins:
        return "it hands something to plugins of the server", "make it anew without that"
    if found.max_concurrency not in _CONCURRENT:
        return f"its concurrency is {found.max_concurrency}", "make it anew in KFP with 1 to 10"
    if found.service_account and not _ACCOUNT.fullmatch(found.service_account):
        return f"its service account {found.service_account!r} is no name", "make it anew in KFP"
    return _trigger(found)


def _trigger(found: ActualSchedule) -> tuple[str, str] | None:
    if found.cron is None and not found.interval_seconds:
        return "it has no trigger and never fires", "delete it in KFP"
    if found.cron is None:
        return None
    fields = cron.in_six_fields(found.cron)
    if found.cron.strip().startswith("@every"):
        todo = "make it anew in KFP as a periodic one, whose instants are told"
        return f"its cron {found.cron!r} is an interval, which a manifest says in seconds", todo
    if refused := crons.refusal(fields):
        return refused[0], f"make it anew in KFP: {refused[1]}"
    return None


def _schedule(found: ActualSchedule, name: str) -> dict[str, Any]:
    """As `spec.schedules` has it. Of five fields and `@daily` the six that KFP takes them for."""
    fires: dict[str, Any] = {"intervalSeconds": found.interval_seconds}
    if found.cron is not None:
        fires = {"cron": cron.in_six_fields(found.cron)}
    times = {"start": found.start, "end": found.end}
    said = {key: timing.rfc3339(moment) for key, moment in times.items() if moment}
    given = {"parameters": _whole(dict(found.parameters))} if found.parameters else {}
    bounds = {"maxConcurrency": found.max_concurrency, "catchup": found.catchup}
    return {"name": name, **fires, **said, "enabled": found.enabled, **bounds, **given}


def _takes(found: ActualSchedule, terms: Terms) -> dict[str, str]:
    if drift.as_account(found.service_account, terms.account):
        return {"recurringRun": found.name}
    return {"recurringRun": found.name, "serviceAccount": found.service_account}


def _whole(value: Any) -> Any:
    """KFP tells numbers as protobuf's Value has them; a whole one is written without a point."""
    if isinstance(value, Mapping):
        return {key: _whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _slug(wanted: str, taken: Set[str]) -> str:
    """One that none has yet."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        end = f"-{number}"
        name = wanted[: _LONGEST - len(end)].strip("-") + end
    return name


def plain(text: str, longest: int) -> str:
    """What people call something, as a name here; accents fall off their letters."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters.strip())[:longest].strip("-")
