"""What a plan would do and every live fact that it rests on: what `plan <12 hex>` is the digest of. Pure.

Taken in are all fields of the records of what is there, so that a field which is added counts from its first day; what
is left out is named here, with the reason. What changes by itself is never in it: the time, firings and those that
were missed, how many runs are in flight, how long KFP takes, in which order it lists.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Any

from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualSchedule
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Trigger, triggers
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.inventory import View
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, Entry, Options, schedule_name
from kfp_gitops.rendering import planfile
from kfp_gitops.rendering.planfile import FORMAT, Basis

_QUIET = frozenset(
    {
        "at",  # where it stands in its file
        "source",  # likewise
        "ir",  # which the digest stands for
        "commit",  # for information: a Job is not told it
        "team",  # likewise: KFP is not told it
        "slo",  # nor what is promised of it
        "versions",  # of a pipeline: each is an object of its own, and so are
        "schedules",
        "triggers",  # which are told with their parameters alone
        "created",  # an id has one date
    }
)
_SUMMED = frozenset({"facts", "tags"})
"""Many words of ours about one thing: that one of them is another says enough."""
_DIGESTS = frozenset({"digest", "release"})
"""Of which the beginning stands, for they are computed; whatever else looks like one may be what somebody chose."""
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_SHORTENED = re.compile(r"sha256:[0-9a-f]{32}")
_LONG = 60
"""Characters; what is longer stands as the beginning of its digest, for it is compared and not read."""
_DIGITS = 32
"""Hex digits: 128 bits, for nobody who makes one to find another with the same."""

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Looked:
    """One pipeline or tombstone, what is there of it, and what happens to it."""

    wanted: Entry
    view: View
    changes: Sequence[Change]


@dataclass(frozen=True)
class Ground:
    """All that a plan was made of. `changes` are all of it, in the order of `looked`; those of no pipeline follow."""

    desired: Desired
    actual: Actual
    options: Options
    looked: Sequence[Looked]
    changes: Sequence[Change]

    @cached_property
    def basis(self) -> Basis:
        """Only when it is asked for: of 1,000 pipelines it takes a tenth of a second."""
        lines = planfile.Lines()
        for together in self._facts():
            objects: dict[str, dict[str, Any]] = {}
            for name, facts in together:
                _merge(objects.setdefault(name, {}), facts)
            for name, told in objects.items():
                lines.tell(name, told, _merged)
        return lines.basis()

    def _facts(self) -> Iterator[Iterable[tuple[str, Facts]]]:
        """What is told of one object mostly comes together: so of 10,000 pipelines there are not all facts at once."""
        environment = _environment(self.desired, self.options)
        yield [(f"environment {self.desired.owner.environment}", environment)]
        yield from map(_entry, self.looked)
        for change in self.changes[sum(len(one.changes) for one in self.looked) :]:
            if does := _does(change):
                yield [(_name(change), {"do": does})]
        for found in self._of_no_pipeline():
            yield [(f"schedule {found.name}", {"live": [_facts(found)]})]

    def _of_no_pipeline(self) -> Iterator[ActualSchedule]:
        """Ours that no pipeline of the manifests accounts for; of a part of them nobody can say so."""
        if self.desired.selected:
            return
        known = {found.id for one in self.looked for found in one.view.schedules}
        owner = self.desired.owner
        yield from (
            found for found in self.actual.schedules if found.owner == owner and found.id not in known
        )


def _environment(desired: Desired, options: Options) -> dict[str, Any]:
    """Whose, where, and what was decided. A trigger's run is decided only where there is a trigger."""
    decides = any(pipeline.on_change for pipeline in desired.pipelines)
    wanted = {
        "format": FORMAT,
        "host": desired.host,
        "namespace": desired.namespace,
        "owner": _plain(desired.owner),
        "keepVersions": desired.keep_versions,
        "disabled": desired.disabled,
        "adopt": sorted(options.adopt),
        "refreshStale": options.refresh_stale,
        **({"triggers": options.triggers} if decides else {}),
        **({"selected": list(desired.selected)} if desired.selected else {}),
    }
    return {"wanted": wanted, "live": [{"kfp": options.server}]}


def _entry(one: Looked) -> Iterator[tuple[str, Facts]]:
    for change in one.changes:
        if does := _does(change, one):
            yield _name(change), {"do": does}
    yield from _wanted(one.wanted)
    view = one.view
    if view.pipeline:
        yield f"pipeline {one.wanted.name}", {"live": [_facts(view.pipeline)]}
    if view.experiment:
        yield f"experiment {view.experiment.name}", {"live": [_facts(view.experiment)]}
    if not any(change.action is Action.CONFLICT for change in one.changes):
        yield from _versions(one.wanted, view)
    for found in view.schedules:
        yield f"schedule {found.name}", {"live": [_facts(found)]}
    for run in view.unclear:
        yield f"run {run.name}", {"live": [{"mayHaveRun": run.id}]}


def _wanted(entry: Entry) -> Iterator[tuple[str, Facts]]:
    if isinstance(entry, Absent):
        adopts = {"adopts": _plain(entry.adopts)} if entry.adopts else {}
        yield f"pipeline {entry.name}", {"wanted": {"absent": entry.delete, **adopts}}
        return
    yield f"pipeline {entry.name}", {"wanted": _pipeline(entry)}
    yield f"version {entry.name} {entry.version}", {"wanted": {"digest": _fact("digest", entry.digest)}}
    for schedule in entry.schedules:
        yield f"schedule {schedule_name(entry.name, schedule.name)}", {"wanted": _facts(schedule)}


def _pipeline(wanted: DesiredPipeline) -> Facts:
    """With its triggers; its schedules are objects of their own."""
    said = {trigger.name: _trigger(trigger) for trigger in wanted.triggers}
    return _facts(wanted) | ({"triggers": said} if said else {})


def _trigger(trigger: Trigger) -> Facts:
    """Of a run on change what it gives, as ever; of the others all that they say."""
    plain = trigger == Trigger(trigger.name, trigger.parameters, trigger.at)
    return dict(trigger.parameters) if plain else triggers.written(trigger)


def _versions(wanted: Entry, view: View) -> Iterator[tuple[str, Facts]]:
    """All of the pipeline, whoever's. That others pin one counts where it would be deleted else."""
    current = wanted.version if isinstance(wanted, DesiredPipeline) else None
    for found in view.pipeline.versions.values() if view.pipeline else ():
        pinned = found.id in view.others and found.name != current
        more = {"pinnedByOthers": True} if pinned else {}
        yield f"version {wanted.name} {found.name}", {"live": [{**_facts(found), **more}]}


def _name(change: Change) -> str:
    within = f"{change.pipeline} " if change.kind is Kind.VERSION else ""
    return f"{change.kind} {within}{change.name}"


def _does(change: Change, one: Looked | None = None) -> str:
    """What happens, and of what: not in which words, nor what the clock decides.

    A schedule that is to be on is enabled, or made anew where a firing has passed since it was made: `enable` in both.
    """
    if change.action is Action.UNCHANGED:
        return ""
    about = [found.field for found in change.differences]
    if about in (["enabled"], []) and change.action in (Action.REPLACE, Action.ENABLE):
        return str(Action.ENABLE)
    waits = " once its runs have ended" if one and _waits(change, one) else ""
    of = f" ({', '.join(about)})" if about else ""
    return f"{change.action}{of}{waits}"


def _waits(change: Change, one: Looked) -> bool:
    """Whether the runs that are in flight now are waited for: of `onReplace: wait`, and of versions that go."""
    if not change.in_flight or isinstance(one.wanted, Absent):
        return bool(change.in_flight) and change.kind is Kind.VERSION
    patient = {
        schedule_name(one.wanted.name, found.name)
        for found in one.wanted.schedules
        if found.on_replace == "wait"
    }
    fires = any(found.enabled for found in one.view.schedules if found.name == change.name)
    return change.action is Action.REPLACE and change.name in patient and fires


def _merge(into: dict[str, Any], facts: Facts) -> None:
    """One object may be told of several times: several recurring runs of one name, two changes."""
    for key, value in facts.items():
        if key == "live":
            into[key] = [*into.get(key, []), *value]
        else:
            into[key] = f"{into[key]}, {value}" if isinstance(value, str) and key in into else value


def _merged(one: Facts, other: Facts) -> Facts:
    """Of an object that was told of before, and is again."""
    found = dict(one)
    _merge(found, other)
    return found


def _facts(record: Any) -> dict[str, Any]:
    """All fields of a record but the quiet ones; nothing is what is not there."""
    found = {}
    for name, shown in _fields(type(record)):
        value = getattr(record, name)
        if value not in (None, "", {}, (), []):
            found[shown] = _fact(name, value)
    return found


def _fact(name: str, value: Any) -> Any:
    if name in _DIGESTS and _SHA256.fullmatch(str(value)):
        return str(value)[: len("sha256:") + _DIGITS]
    return _short(_plain(value)) if name in _SUMMED else _plain(value)


def _fields(record: type) -> tuple[tuple[str, str], ...]:
    """The fields that count, each with its name as JSON has them; there are thousands of records of few types."""
    if record not in _known:
        named = fields(record)
        _known[record] = tuple(
            (field.name, _camel(field.name)) for field in named if field.name not in _QUIET
        )
    return _known[record]


_known: dict[type, tuple[tuple[str, str], ...]] = {}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _plain(value: Any) -> Any:
    """As JSON. A value that nobody can read at a glance is its digest."""
    match value:
        case str() if type(value) is str:
            return _short(value)
        case bool() | int() | float() | None:
            return value
        case datetime():
            return timing.rfc3339(value)
        case Owner():
            return f"{value.repository}/{value.environment}"
        case Mapping():
            return {str(key): _short(_plain(inner)) for key, inner in value.items()}
        case list() | tuple():
            return _short([_plain(inner) for inner in value])
        case set() | frozenset():
            return _short(sorted(map(str, value)))
    return _short(str(value))


def _short(value: Any) -> Any:
    """Of what is long the beginning of its digest, and of a text that looks like one, so that it is none."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    if len(text) <= _LONG and not _SHORTENED.fullmatch(text):
        return value
    told = json.dumps(value, sort_keys=True)  # with its quotes a text is not the list that it looks like
    return f"sha256:{hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]}"
