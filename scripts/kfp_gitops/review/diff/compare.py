"""Compare two states of a rendered environment. Pure: texts in, records out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kfp_gitops.review.caching import Side, idle, words
from kfp_gitops.review.caching.starts import Forecast, forecasts
from kfp_gitops.review.diff import components, delivery, diagnostics, graph, nodes, schedules
from kfp_gitops.review.diff.fields import differences
from kfp_gitops.review.diff.model import Action, Change, EnvironmentDiff, Kind, PipelineDiff
from kfp_gitops.review.diff.state import ABSENT, Entry, PipelineFiles, State, mapping


def compare(environment: str, before: State, after: State, now: datetime) -> EnvironmentDiff:
    """All that differs; `now` (aware) is where the next firings are counted from.

    Raises:
        InputError: a file is not YAML at all, with its position.
    """
    old, new = before.settings, after.settings
    zone = str(new.get("timeZone") or old.get("timeZone") or "UTC")
    found = _pipelines(before, after, now)
    if old and not new:  # Nothing is applied for a folder that is gone: each pipeline is as it was.
        found = [replace(item, warnings=[], firings=[]) for item in found]
    changed, noise = delivery.changes(before.delivery(), after.delivery())
    found_settings = [*_setting_changes(old, new), *changed]
    return EnvironmentDiff(
        environment=environment,
        base=before.name,
        zone=zone,
        changes=found_settings,
        pipelines=[item for item in found if item.semantic or item.noise],
        warnings=[
            *diagnostics.gone(old, new),
            *diagnostics.environment_warnings(environment, found_settings),
        ],
        noise=noise,
    )


def _pipelines(before: State, after: State, now: datetime) -> list[PipelineDiff]:
    left, right = before.entries(), after.entries()
    was, is_ = before.pipelines(), after.pipelines()
    nothing = PipelineFiles(before.name, {})
    absent = {str(entry["name"]): str(entry["delete"]) for entry in after.settings.get("absent", ())}
    return [
        _pipeline(
            *(name, left.get(name), right.get(name), was.get(name, nothing), is_.get(name, nothing), now),
            absent=absent.get(name),
            moves=_moves(before.settings, after.settings),
        )
        for name in sorted({**left, **right})
    ]


def _setting_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    left, right = (
        {k: v for k, v in side.items() if k not in ("pipelines", "apiVersion")} for side in (before, after)
    )
    if left and right:
        for field, old, new in differences(left, right):
            yield Change(Action.CHANGED, Kind.SETTING, "environment", field, old, new)


def _pipeline(
    name: str,
    old: Entry | None,
    new: Entry | None,
    before: PipelineFiles,
    after: PipelineFiles,
    now: datetime,
    absent: str | None,
    *,
    moves: bool,
) -> PipelineDiff:
    result = _releases(name, old, new, after)
    if old and new and before.texts == after.texts and old == new:
        return result
    left, right = (old or ABSENT).in_force(before, now), (new or ABSENT).in_force(after, now)
    changes = [*_entry_changes(name, old, new), *_changes(name, before, after, left, right)]
    drawn = _draws(changes) and result.action is not Action.REMOVED
    result = replace(
        _with_schedules(result, left, right, now),
        changes=changes if result.action is None else [],
        graph=graph.mermaid(left, right, changes) if drawn else None,
    )
    side = after.side(right)
    caching = _caching(result, before.side(left), side, moves=moves) if changes else []
    still = idle.warnings(side) if changes else []
    return replace(
        result,
        caching=caching,
        warnings=[*diagnostics.warnings(result, changes, absent), *words.warnings(caching), *still],
        noise=[*diagnostics.noise(result, before, after)],
    )


def _moves(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether another KFP, or another namespace of it, runs the environment's pipelines: a cache of its own."""
    left, right = (
        [mapping(side.get("kfp")).get(key) for key in ("host", "namespace")] for side in (before, after)
    )
    return bool(before) and left != right


def _caching(result: PipelineDiff, before: Side, after: Side, *, moves: bool) -> list[Forecast]:
    """What KFP's cache makes of it; nothing of a pipeline that leaves."""
    return [] if result.action is Action.REMOVED else forecasts(before, after, moves=moves)


def _releases(name: str, old: Entry | None, new: Entry | None, after: PipelineFiles) -> PipelineDiff:
    """Which version and release it had, and has."""
    was, is_ = old or ABSENT, new or ABSENT
    return PipelineDiff(
        name,
        action=Action.ADDED if old is None else Action.REMOVED if new is None else None,
        version_before=was.version,
        # A lock of other files says nothing of these.
        version_after=is_.version if is_.manifest == after.digest(name) else None,
        release_before=was.release,
        release_after=is_.release,
    )


def _with_schedules(
    result: PipelineDiff, left: Mapping[str, Any], right: Mapping[str, Any], now: datetime
) -> PipelineDiff:
    replaced = schedules.replaced(left, right, result.new_version)
    return replace(
        result,
        schedules_added=schedules.only_in(right, left),
        replaced=replaced if result.action is None else [],
        switched_off=schedules.switched_off(left, right),
        schedules_removed=schedules.only_in(left, right),
        firings=schedules.firings(left, right, now),
    )


def _changes(
    name: str, before: PipelineFiles, after: PipelineFiles, left: Mapping[str, Any], right: Mapping[str, Any]
) -> Iterator[Change]:
    yield from _manifest_changes(name, left, right)
    yield from components.changes(before.specs(), after.specs())
    yield from _each(Kind.SCHEDULE, schedules.by_name(left), schedules.by_name(right))
    was, is_ = before.inner(), after.inner()
    for path in sorted({**was, **is_}):
        inside = _manifest_changes(name, was.get(path, {}), is_.get(path, {}))
        label = path.removesuffix(".yaml")
        yield from (replace(change, name=f"{label} › {change.name}") for change in inside)
    yield from _other_files(name, before, after)


def _manifest_changes(name: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Change]:
    yield from _named(Kind.PIPELINE, name, _about(left), _about(right))
    yield from _each(Kind.PARAMETER, _spec(left, "parameters"), _spec(right, "parameters"))
    yield from nodes.changes(nodes.flat(left), nodes.flat(right))
    yield from _each(Kind.OUTPUT, _spec(left, "outputs"), _spec(right, "outputs"))


def _entry_changes(name: str, old: Entry | None, new: Entry | None) -> Iterator[Change]:
    if old and new:
        for key in {**old.settings, **new.settings}:
            yield from _named(Kind.PIPELINE, name, {key: old.settings.get(key)}, {key: new.settings.get(key)})


def _about(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of the pipeline as a whole: metadata but for the name, settings of the spec, triggers."""
    own = {
        key: value
        for key, value in manifest.items()
        if key not in ("apiVersion", "kind", "spec", "schedules")
    }
    spec = {
        k: v for k, v in mapping(manifest.get("spec")).items() if k not in ("parameters", "tasks", "outputs")
    }
    return {**own, **spec}


def _named(kind: Kind, name: str, before: Any, after: Any) -> Iterator[Change]:
    for field, old, new in differences(before, after):
        yield Change(Action.CHANGED, kind, name, field, old, new)


def _each(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in [*after, *(name for name in before if name not in after)]:
        if name not in before:
            yield Change(Action.ADDED, kind, name, after=after[name])
        elif name not in after:
            yield Change(Action.REMOVED, kind, name, before=before[name])
        else:
            yield from _named(kind, name, before[name], after[name])


def _spec(manifest: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return mapping(mapping(manifest.get("spec")).get(key))


def _other_files(name: str, before: PipelineFiles, after: PipelineFiles) -> Iterator[Change]:
    left, right = (
        {path: components.without_versions(found) for path, found in side.others().items()}
        for side in (before, after)
    )
    for path in sorted({**left, **right}):
        for field, old, new in differences(left.get(path), right.get(path)):
            yield Change(Action.CHANGED, Kind.PIPELINE, name, f"{path}: {field}" if field else path, old, new)


def _draws(changes: Sequence[Change]) -> bool:
    return any(
        c.kind in (Kind.TASK, Kind.CONDITION, Kind.LOOP, Kind.EXIT_HANDLER, Kind.COMPONENT) for c in changes
    )
