"""Compare two states of a rendered environment. Pure: texts in, records out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from kfp_gitops.base.errors import UsageError
from kfp_gitops.reconcile import timing
from kfp_gitops.rendering.rendered import ENVIRONMENT, LOCK
from kfp_gitops.review.caching import Side, idle, words
from kfp_gitops.review.caching.starts import Forecast, forecasts
from kfp_gitops.review.diff import (
    backfills,
    contents,
    delivery,
    diagnostics,
    environment_floor,
    graph,
    known_events,
    promises,
    schedules,
    starts,
)
from kfp_gitops.review.diff.between.compared import between, unkept
from kfp_gitops.review.diff.category import category
from kfp_gitops.review.diff.fields import differences
from kfp_gitops.review.diff.interface import broken
from kfp_gitops.review.diff.model import Action, Change, EnvironmentDiff, Kind, PipelineDiff
from kfp_gitops.review.diff.state import ABSENT, Entry, PipelineFiles, State, mapping
from kfp_gitops.review.diff.told import Told


def compare(environment: str, before: State, after: State, now: datetime) -> EnvironmentDiff:
    """All that differs; `now` (aware) is where the next firings are counted from.

    Raises:
        InputError: a file is not YAML at all, with its position.
    """
    old, new = before.settings, after.settings
    zone = _zone(str(new.get("timeZone") or old.get("timeZone") or "UTC"))
    found = _pipelines(environment, before, after, now)
    if old and not new:  # Nothing is applied for a folder that is gone: each pipeline is as it was.
        found = [replace(item, warnings=[], firings=[]) for item in found]
    changed, noise = delivery.changes(environment, before, after)
    changes = [*_setting_changes(old, new), *changed]
    changes += [*_unsaid(environment, before, after, changes, found), *_unlisted(environment, before, after)]
    graph_of_all = between(before, after, found, now)
    return EnvironmentDiff(
        environment=environment,
        base=before.name,
        zone=zone,
        changes=changes,
        pipelines=[item for item in found if item.semantic or item.noise],
        events=known_events.changes(*_changed_manifests(before, after)),
        backfills=backfills.changes(old, new),
        between=graph_of_all,
        warnings=[
            *delivery.warnings(environment, after),
            *diagnostics.gone(old, new),
            *diagnostics.tombstones_gone(environment, old, new),
            *diagnostics.environment_warnings(environment, changes),
            *unkept(before, after, graph_of_all, {item.name for item in found if item.semantic}, now),
        ],
        noise=noise,
    )


def _changed_manifests(before: State, after: State) -> list[dict[str, Mapping[str, Any]]]:
    """The manifests before and after, of pipelines of environment.yaml whose files differ."""
    folders = [{name: state.pipelines().get(name) for name in state.entries()} for state in (before, after)]
    return [
        {
            name: files.manifest
            for name, files in side.items()
            if files and files.may_have_events and getattr(other.get(name), "texts", None) != files.texts
        }
        for side, other in (folders, folders[::-1])
    ]


def _zone(name: str) -> str:
    """The zone in which times are said, too; UTC for one that is none: that it changes is told all the same."""
    try:
        timing.zone_of(name)
    except UsageError:
        return "UTC"
    return name


def _pipelines(environment: str, before: State, after: State, now: datetime) -> list[PipelineDiff]:
    left, right = before.entries(), after.entries()
    was, is_ = before.pipelines(), after.pipelines()
    nothing = PipelineFiles(before.name, {})
    absent = after.absent()
    return [
        _pipeline(
            *(name, (left.get(name), right.get(name)), (was.get(name, nothing), is_.get(name, nothing)), now),
            folder=f"manifests/{environment}/pipelines/{name}",
            absent=absent.get(name),
            others=partial(after.manifest_in_force, now=now),
            moves=_moves(before.settings, after.settings),
        )
        for name in sorted({**left, **right})
    ]


def _setting_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    left, right = (
        {k: v for k, v in side.items() if k not in ("pipelines", "apiVersion", backfills.KEY)}
        for side in (before, after)
    )
    if left and right:
        for field, old, new in differences(left, right):
            yield Change(Action.CHANGED, Kind.SETTING, "environment", field, old, new)
    elif left or right:
        action = Action.ADDED if right else Action.REMOVED
        yield Change(
            action, Kind.SETTING, "environment", before=dict(before) or None, after=dict(after) or None
        )


def _unsaid(
    environment: str, before: State, after: State, changes: Sequence[Change], found: Sequence[PipelineDiff]
) -> Iterator[Change]:
    """What of the environment's own two files is in none of the records."""
    of_pipelines = [change for item in found for change in item.changes if change.kind is Kind.PIPELINE]
    told, by_name = Told([*changes, *of_pipelines]), {item.name: item for item in found}
    was, is_ = before.pipelines(), after.pipelines()

    def digests(name: str) -> tuple[str | None, str | None]:
        left, right = was.get(name), is_.get(name)
        return left.digest(name) if left else None, right.digest(name) if right else None

    for path in (ENVIRONMENT, LOCK):
        if before.texts.get(path) != after.texts.get(path):
            at, sides = f"manifests/{environment}/{path}", (before.whole(path), after.whole(path))
            if path == LOCK:
                yield from environment_floor.lock(at, *sides, by_name, digests)
            else:
                yield from environment_floor.settings(at, *sides, told, by_name, (before.holds, after.holds))


def _unlisted(environment: str, before: State, after: State) -> Iterator[Change]:
    """Files that belong to no pipeline of environment.yaml, neither before nor after; specs, in one of them."""
    listed, strays = {*before.entries(), *after.entries()}, before.strays | after.strays
    for path in sorted({**before.texts, **after.texts}):
        top, _, rest = path.partition("/")
        name, slash, _ = rest.partition("/")
        if path in strays or (top == "pipelines" and not (slash and name in listed)):
            yield from contents.file(f"manifests/{environment}/{path}", path, before, after)


def _pipeline(
    name: str,
    entries: tuple[Entry | None, Entry | None],
    files: tuple[PipelineFiles, PipelineFiles],
    now: datetime,
    folder: str,
    absent: str | None,
    others: promises.Others,
    *,
    moves: bool,
) -> PipelineDiff:
    (old, new), (before, after) = entries, files
    result = _releases(name, old, new, after)
    if old and new and before.texts == after.texts and old == new:
        return result
    breaks = broken(before, after)
    result = replace(result, category=category(before, after, old, new, breaks), breaks=breaks)
    sides = _sides(name, old, new, before, after, now, folder)
    changes = [*_stray(sides, before, after)]
    if new:
        changes += contents.changes(sides)
        changes += _only_digests(name, old, new, changes)
    left, right = sides.in_force
    drawn = _draws(changes) and new is not None
    result = replace(
        _with_schedules(result, left, right, now),
        changes=changes,
        runs_started=starts.runs(result, right, paused=schedules.is_paused(new and new.paused_until, now)),
        graph=graph.mermaid(left, right, changes) if drawn else None,
    )
    side = after.side(right)
    caching = _caching(result, before.side(left), side, moves=moves) if changes else []
    still = idle.warnings(side) if changes else []
    return replace(
        result,
        caching=caching,
        warnings=[
            *diagnostics.warnings(result, changes, absent),
            *words.warnings(caching),
            *still,
            *(promises.warnings(right, now, others) if changes else []),
        ],
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


def _sides(
    name: str,
    old: Entry | None,
    new: Entry | None,
    before: PipelineFiles,
    after: PipelineFiles,
    now: datetime,
    folder: str,
) -> contents.Sides:
    """What runs: files that environment.yaml does not name are nothing."""
    nothing = PipelineFiles(name, {})
    left, right = (before if old else nothing), (after if new else nothing)
    in_force = (old or ABSENT).in_force(left, now), (new or ABSENT).in_force(right, now)
    return contents.Sides(
        name, folder, (old, new), left, right, in_force, _same_ir(name, old, new, left, right)
    )


def _same_ir(
    name: str, old: Entry | None, new: Entry | None, before: PipelineFiles, after: PipelineFiles
) -> bool:
    """Whether both locks are of just these files and name one compiled pipeline."""
    if not (old and new and old.digest and old.digest == new.digest):
        return False
    return (old.manifest, new.manifest) == (before.digest(name), after.digest(name))


def _stray(sides: contents.Sides, before: PipelineFiles, after: PipelineFiles) -> Iterator[Change]:
    """Files of it that were there before environment.yaml names it, or are still there though it does no more."""
    old, new = sides.entries
    for path in sorted({**before.texts, **after.texts}):
        stray = (old is None and path in before.texts) or (new is None and path in after.texts)
        if stray:
            at = contents.place(sides.folder, path, before, after)
            yield from contents.file(at, path, before, after)


def _only_digests(name: str, old: Entry | None, new: Entry, changes: Sequence[Change]) -> Iterator[Change]:
    """Another release or another compiled form, where nothing else differs that would be told."""
    if old and not changes:
        for field, left, right in (("release", old.release, new.release), ("digest", old.digest, new.digest)):
            if left != right:
                yield Change(Action.CHANGED, Kind.PIPELINE, name, field, left, right)


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
        template=str((new or was).settings.get("template", name)),
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


def _draws(changes: Sequence[Change]) -> bool:
    return any(
        c.kind in (Kind.TASK, Kind.CONDITION, Kind.LOOP, Kind.EXIT_HANDLER, Kind.COMPONENT) for c in changes
    )
