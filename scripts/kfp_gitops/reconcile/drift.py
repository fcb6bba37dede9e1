"""How a recurring run differs from the schedule of the manifest: field by field, old → new. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.language import cron
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.reconcile import timing

DEFAULTS = ("pipeline-runner", "default-editor")
"""Whom KFP lets the steps of a recurring run be that names nobody: the server's own setting
DEFAULTPIPELINERUNNERSERVICEACCOUNT, as KFP's manifests have it for one user and for many; some distributions add a name
to the first. The reply tells it as if it had been asked for (seen on KFP 2.17.0)."""
SERVER = "kfp"
"""The fact that says which version of KFP compiled a recurring run when it was created (see `staleness`)."""


@dataclass(frozen=True)
class Difference:
    """One field; None is «not there»."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Wanted:
    """A recurring run that shall exist: a schedule of the manifest, pinned to a version."""

    pipeline: str
    name: str
    """Its display name."""
    schedule: Schedule
    enabled: bool
    version: str
    version_id: str | None
    """None while the version is not registered."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Version id → name, for people."""
    server: str = ""
    """The server's version, as far as it tells."""
    refresh: bool = False
    """Whether one that another version of the server compiled, and this one did not anew, shall be replaced."""
    pipeline_id: str | None = None
    experiment_id: str | None = None
    """None while they are not there."""
    service_account: str = ""
    """The one that is declared; "": the one that KFP gives to those that name none."""
    same: frozenset[str] = frozenset()
    """Ids of versions that hold the very IR, whatever their names."""


def differences(wanted: Wanted, found: ActualSchedule) -> tuple[Difference, ...]:
    """What makes a replacement necessary; whether it is enabled is not among it."""
    return tuple(_differences(wanted, found))


def _differences(wanted: Wanted, found: ActualSchedule) -> Iterator[Difference]:
    schedule = wanted.schedule
    yield from _elsewhere(wanted, found)
    if not _same_cron(found.cron, schedule.cron):
        yield Difference("cron", found.cron, schedule.cron)
    pairs = [
        ("intervalSeconds", found.interval_seconds, schedule.interval_seconds),
        ("start", declared_start(found), schedule.start),
        ("end", _text(found.end), schedule.end),
        ("maxConcurrency", found.max_concurrency, schedule.max_concurrency),
        ("catchup", found.catchup, schedule.catchup),
    ]
    yield from (Difference(name, old, new) for name, old, new in pairs if old != new)
    for name in sorted({*found.parameters, *schedule.parameters}):
        old, new = found.parameters.get(name), schedule.parameters.get(name)
        if not _same(old, new) or (name in found.parameters) != (name in schedule.parameters):
            yield Difference(f"parameters.{name}", old, new)
    if wanted.refresh and wanted.server and found.facts.get(SERVER) != wanted.server:
        yield Difference("launcher", found.facts.get(SERVER), wanted.server)


def _elsewhere(wanted: Wanted, found: ActualSchedule) -> Iterator[Difference]:
    """What it runs, as whom, and where what comes of it is put."""
    if found.inline:
        yield Difference("pipelineSpec", "an IR of its own", None)
    if wanted.version_id is None or found.version_id not in {wanted.version_id, *wanted.same}:
        there = wanted.labels.get(found.version_id or "", found.version_id)
        yield Difference("version", there, wanted.version)
    if wanted.pipeline_id and found.pipeline_id != wanted.pipeline_id:
        yield Difference("pipeline", found.pipeline_id, wanted.pipeline_id)
    # One that was made in KFP stays where it is; KFP moves none.
    if wanted.experiment_id and found.experiment_id != wanted.experiment_id and not found.called:
        yield Difference("experiment", found.experiment_id or None, wanted.experiment_id)
    if not as_account(found.service_account, wanted.service_account):
        yield Difference("serviceAccount", found.service_account, wanted.service_account or DEFAULTS[0])
    if found.pipeline_root:
        yield Difference("pipelineRoot", found.pipeline_root, None)
    if found.plugins:
        yield Difference("pluginsInput", "something", None)
    yield from (Difference(name, "not readable", None) for name in found.damaged)


def _same_cron(there: str | None, wanted: str | None) -> bool:
    """Of five fields, and of `@daily` and its like, a manifest says what KFP takes them for."""
    return there == wanted or (there is not None and cron.in_six_fields(there) == wanted)


def _same(left: Any, right: Any) -> bool:
    """Whether KFP gives a step the same: to it 1 and 1.0 are one number (protobuf's Value), and neither is true."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def as_account(there: str, declared: str) -> bool:
    """Whether a recurring run's steps run as declared, or as KFP's default where nothing is."""
    if declared:
        return there == declared
    return not there or there in DEFAULTS or there.startswith(f"{DEFAULTS[0]}-")


def summary(schedule: Schedule, enabled: bool) -> str:
    """When a schedule fires, in a few words."""
    when = f"cron {schedule.cron}" if schedule.cron else f"every {schedule.interval_seconds} s"
    return f"{when}, {'enabled' if enabled else 'disabled'}"


def declared_start(found: ActualSchedule) -> str | None:
    """KFP is given another start than the manifest's once that has passed (`swap.start_of`), so we wrote it down."""
    return found.facts.get("start") if found.marked else _text(found.start)


def _text(moment: datetime | None) -> str | None:
    return timing.rfc3339(moment) if moment else None
