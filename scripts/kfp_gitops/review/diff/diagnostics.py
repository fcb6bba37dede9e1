"""What a reviewer must not miss (warnings), and what differs in the files without changing what runs (noise). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.language import faults
from kfp_gitops.review.diff.model import Action, Change, Kind, PipelineDiff
from kfp_gitops.review.diff.state import PipelineFiles


def gone(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What it means that environment.yaml is there no more: Argo CD applies nothing for a folder that is gone."""
    if not before or after:
        return
    if before.get("state") == "disabled":
        yield "the environment goes; its schedules are off if its last delivery succeeded (docs/environments.md)"
    else:
        yield (
            "the environment goes, and nothing turns its schedules off: they go on firing. Merge `state: disabled` "
            "first (docs/environments.md)"
        )


def tombstones_gone(environment: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Nobody deletes any more what of them is left."""
    if not after:
        return
    stay = {str(item.get("name")) for key in ("absent", "pipelines") for item in _items(after, key)}
    for name in (str(item.get("name")) for item in _items(before, "absent")):
        if name not in stay:
            yield (
                f"the tombstone of {name} goes: what is left of it in KFP is not deleted any more, only its schedules "
                f"are kept off; `python scripts/reconcile.py plan --env {environment}` of before says when nothing is"
            )


def _items(settings: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Those of a list that have a name; what else stands there is told as what it is."""
    found = settings.get(key)
    maps = [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
    return [item for item in maps if isinstance(item.get("name"), str)]


def environment_warnings(environment: str, changes: Sequence[Change]) -> Iterator[str]:
    """What follows from changed settings of the environment."""
    for change in changes:
        if change.field == "repository":
            yield (
                "the repository's id changes: every pipeline and schedule that this repository made becomes foreign, "
                "its old schedules go on firing beside the new ones"
            )
        elif change.field in ("kfp.host", "kfp.namespace"):
            yield _moved(environment, change)
        elif change.field == "state":
            yield (
                "every schedule and trigger of the environment is turned off, and nothing else is delivered to it"
                if change.after == "disabled"
                else "the environment is delivered again, its schedules are turned on as its manifests say"
            )
        elif change.field == "asides" and change.after:
            yield (
                f"people may register copies of {environment}'s pipelines beside them, and run them with "
                "the data and the rights of its own runs, writing where those write (`--as NAME`)"
            )
        elif change.field == "promotesFrom":
            yield _other_way(environment, change)
        elif change.field == "metadata.namespace" and change.name.startswith("Job/"):
            yield (
                f"delivery.namespace changes: {change.before} → {change.after}. The new one must be there, and the "
                "AppProject must let Argo CD into the old one until what is there is pruned (docs/environments.md)"
            )


def _other_way(environment: str, change: Change) -> str:
    was = f"no longer from {change.before}" if change.before else "and from no other"
    if not change.after:
        return (
            f"{environment} does not say any more from where it is promoted: releases may come from anywhere"
        )
    return f"{environment} is promoted from {change.after} now, {was}: what releases go through before it changes"


def _moved(environment: str, change: Change) -> str:
    option = "--host" if change.field == "kfp.host" else "--namespace"
    return (
        f"{change.field} changes: what was registered at the old place stays there, and its schedules go on firing "
        f"beside the new ones, and every task runs anew, for the cache is the old place's; "
        f"turn them off: `python scripts/reconcile.py disable --env {environment} "
        f"{option} '{change.before}'`"
    )


_REMOVES = {
    "schedules": "its schedules are deleted; its versions, the pipeline and its runs stay",
    "versions": "its schedules and versions are deleted, its experiment is archived; the pipeline and its runs stay",
    "pipeline": "its schedules, its versions and the pipeline are deleted, its experiment is archived; its runs stay",
}
"""What `delete` beside `state: absent` means."""


def warnings(pipeline: PipelineDiff, changes: Sequence[Change], absent: str | None) -> Iterator[str]:
    """What follows for one pipeline; `absent` is what its tombstone deletes."""
    if pipeline.action is Action.REMOVED and absent in _REMOVES:
        yield f"state: absent: {_REMOVES[absent]}"
    elif pipeline.action is Action.REMOVED:
        yield (
            "its schedules are disabled and nothing more happens to it; "
            "`state: absent` in the environment's values removes it"
        )
    for change in changes:
        if change.kind is Kind.PIPELINE and change.field == "state":
            yield f"state {change.before or 'present'} → {change.after or 'present'}"
        if change.kind is Kind.PARAMETER and change.field == "default" and change.after is None:
            yield f"parameter {change.name} has no default any more: every run and schedule must give it"
        if change.kind is Kind.PIPELINE:
            yield from _accepted(change)
    if pipeline.new_version and pipeline.semantic and pipeline.action is None and not pipeline.version_before:
        yield "there was no lock entry before: the version cannot be compared"
    if pipeline.action is None and pipeline.changes:
        yield from _same_files(pipeline)
    if pipeline.unlocked:
        yield "the lock has no version of these files: run `python scripts/render.py --all --lock`"


def _accepted(change: Change) -> Iterator[str]:
    """What its authors take from now on, of what KFP registers and does otherwise than it is written."""
    before, after = (_faults_in(change, side) for side in (change.before, change.after))
    for kind in after:
        if kind not in before:
            yield f"it accepts the fault {kind}: {faults.KINDS.get(str(kind), 'which this version does not know')}"


def _faults_in(change: Change, side: Any) -> list[Any]:
    """The kinds that one side accepts, of a pipeline that comes or goes or of that field of it."""
    if change.field is None and isinstance(side, Mapping):
        side = side.get("acceptedFaults")
    elif change.field != "acceptedFaults":
        return []
    return side if isinstance(side, list) else []


def _same_files(pipeline: PipelineDiff) -> Iterator[str]:
    """What it means that only digests differ."""
    fields = {change.field for change in pipeline.changes if change.kind is Kind.PIPELINE}
    if {change.kind for change in pipeline.changes} != {Kind.PIPELINE} or not fields <= {"release", "digest"}:
        return
    if "digest" in fields:
        yield f"it compiles to another form: {pipeline.version_after} is registered, its schedules move to it"
    else:
        yield "only the release differs: what it renders to here is the same"


def noise(pipeline: PipelineDiff, before: PipelineFiles, after: PipelineFiles) -> Iterator[str]:
    """Why the files of a pipeline differ in which nothing else changes; and its release, where more does."""
    if pipeline.semantic:
        told = any(change.field == "release" and change.kind is Kind.PIPELINE for change in pipeline.changes)
        if pipeline.action is None and pipeline.release_before != pipeline.release_after and not told:
            yield f"release {pipeline.release_before} → {pipeline.release_after}"
        return
    changed = sorted(p for p in {**before.texts, **after.texts} if before.texts.get(p) != after.texts.get(p))
    if changed:
        yield f"only the writing differs (order of keys, format, comments, SDK version): {', '.join(changed)}"
