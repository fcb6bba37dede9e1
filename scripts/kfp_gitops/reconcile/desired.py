"""Desired state: what `manifests/<env>/` says, compiled and proved against its lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp_gitops.base.errors import RefusedError
from kfp_gitops.base.packed import Packed
from kfp_gitops.base.places import Place
from kfp_gitops.compiling import lock
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.folder import Head, Texts, heads, texts
from kfp_gitops.reconcile.hosts import checked_host, is_loopback
from kfp_gitops.reconcile.records import (
    Absent,
    Adopts,
    Desired,
    DesiredBackfill,
    DesiredPipeline,
    schedule_name,
)
from kfp_gitops.reconcile.shelf import Label
from kfp_gitops.rendering.rendered import LOCK, paused_until
from kfp_gitops.sources.selection import ALL, Selection

if TYPE_CHECKING:
    from kfp_gitops.compiling.compiler import Compiled, Identity
    from kfp_gitops.kfpserver.kfpapi.actual import Actual


def load(
    folder: Path | Place,
    environment: str,
    host: str | None = None,
    commit: str = "",
    checkout: str = "",
    selection: Selection = ALL,
) -> Desired:
    """Read, compile and prove desired state (imports kfp).

    On what is registered the commit is told, and no more: `commit`, else the one whose sources were promoted, else
    `checkout`.

    Raises:
        InputError: something is missing or malformed.
        RefusedError: what compiles here is not what was reviewed, or an image is still the placeholder
            and the host is not this machine.
        UsageError: the selection names what is not there.
    """
    from kfp_gitops.compiling import compiler

    found = texts(folder, environment, selection)
    of_manifests = heads(found)
    results = compiler.compile_all(found.shelf, found.path)
    target = _proved(found, results, host)
    desired = _desired(found, of_manifests, target, {name: result.ir for name, result in results.items()})
    return replace(desired, commit=commit, checkout=checkout)


def as_compiled(found: Texts, results: Mapping[str, Compiled], host: str | None = None) -> Desired:
    """Desired state of what was rendered and compiled just now: its lock was made of that, so there is none to prove.

    Raises:
        InputError: a manifest is malformed.
        RefusedError: an image is still the placeholder, and the host is not this machine.
    """
    target = _proved(found, results, host)
    return _desired(found, heads(found), target, {name: result.ir for name, result in results.items()})


def prove(found: Texts, host: str | None, look: Callable[[], Sequence[int] | None]) -> None:
    """Compile, and refuse what `load` would refuse; keeps no IR.

    `look` is done first, and returns the places of the pipelines that are left to be proved (`unproved`); None: all.

    Raises:
        InputError: something is malformed.
        RefusedError: as `load`.
    """
    from kfp_gitops.compiling import compiler

    compiled = compiler.identify_all(found.shelf, found.path, look)
    known = {name: compiler.Identity(entry.digest, (), ()) for name, entry in found.locked.items()}
    known = {name: one for name, one in known.items() if name in found.shelf.labels}
    _proved(found, {**known, **compiled}, host)


def unproved(found: Texts, actual: Actual) -> list[int]:
    """The places of the pipelines of which nothing says yet that they compile to what the lock has.

    Of the others the lock was made of just these files, and KFP has what it says, digest for digest: it ran through an
    `apply`, which compiles all of it each time. That a lock lies about files that are as they were is found there, and
    by `render --check`.
    """
    labels = found.shelf.labels.items()
    return [label.place for name, label in labels if not _is_registered(found, name, label, actual)]


def _is_registered(found: Texts, name: str, label: Label, actual: Actual) -> bool:
    locked, pipeline = found.locked.get(name), actual.pipelines.get(name)
    version = pipeline.versions.get(locked.version) if locked and pipeline else None
    if locked is None or version is None:
        return False
    return (label.digest, version.digest) == (locked.manifest, locked.digest)


def _proved(found: Texts, results: Mapping[str, Identity], host: str | None) -> str:
    """The host, when what compiles here is what was reviewed, and may run there."""
    _refuse_other_digests(found, {name: result.digest for name, result in results.items()})
    target = checked_host(host or found.environment["kfp"]["host"])
    environment = found.environment["environment"]
    _refuse_placeholders(
        environment, target, {image for result in results.values() for image in result.placeholders}
    )
    return target


def reviewed(
    folder: Path | Place, environment: str, host: str | None = None, selection: Selection = ALL
) -> Desired:
    """Desired state as the lock tells it, without any IR: to look by, never to apply. Imports no kfp.

    Raises:
        InputError: something is missing or malformed, or the lock has no entry for a pipeline.
        UsageError: the selection names what is not there.
    """
    return as_locked(texts(folder, environment, selection), host)


def as_locked(found: Texts, host: str | None = None, beside: Callable[[], object] = lambda: None) -> Desired:
    """The same, of what has been read; `beside` as in `folder.heads`."""
    _refuse_other_digests(
        found, {name: found.locked[name].digest for name in found.shelf.labels if name in found.locked}
    )
    target = checked_host(host or found.environment["kfp"]["host"])
    return _desired(found, heads(found, beside), target, dict.fromkeys(found.shelf.labels, ""))


def _desired(
    found: Texts, of_manifests: Mapping[str, Head], host: str, irs: Mapping[str, str | Packed]
) -> Desired:
    environment = found.environment["environment"]
    entries = {entry["name"]: entry for entry in found.environment["pipelines"]}
    pipelines = tuple(
        _pipeline(found, name, head, entries[name], irs[name]) for name, head in of_manifests.items()
    )
    _refuse_one_name_for_two(pipelines)
    return Desired(
        owner=Owner(found.environment["repository"], environment),
        host=host,
        namespace=found.environment["kfp"]["namespace"],
        pipelines=pipelines,
        absent=tuple(
            Absent(**{**entry, "adopts": Adopts.of(entry.get("adopts"))})
            for entry in found.environment.get("absent", [])
        ),
        keep_versions=found.environment.get("keepVersions", 10),
        time_zone=found.environment.get("timeZone", "UTC"),
        disabled=found.environment.get("state") == "disabled",
        service_account=found.environment["kfp"].get("serviceAccount", ""),
        selected=tuple(found.selection.texts),
        beside=found.beside,
        backfills=tuple(map(DesiredBackfill.of, found.environment.get("backfills", ()))),
    )


def _pipeline(
    found: Texts, name: str, head: Head, entry: Mapping[str, Any], ir: str | Packed
) -> DesiredPipeline:
    environment = found.environment["environment"]
    return DesiredPipeline(
        name=name,
        description=head.description,
        release=found.shelf.labels[name].release,
        version=found.locked[name].version,
        digest=found.locked[name].digest,
        ir=ir,
        schedules=head.schedules,
        triggers=head.triggers,
        paused_until=timing.instant(paused_until(found.environment, entry)),
        source=f"manifests/{environment}/pipelines/{name}/pipeline.yaml",
        commit=entry.get("commit", ""),
        service_account=found.environment["kfp"].get("serviceAccount", ""),
        team=entry.get("team", ""),
        responsible=head.owner,
        slo=head.slo,
        adopts=Adopts.of(entry.get("adopts")),
    )


def _refuse_one_name_for_two(pipelines: Sequence[DesiredPipeline]) -> None:
    """Recurring runs are told apart by their name, which is made of two."""
    names = Counter(
        schedule_name(item.name, schedule.name) for item in pipelines for schedule in item.schedules
    )
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        raise RefusedError(
            f"schedules of two pipelines have one name in KFP: {', '.join(twice)}; rename one of each"
        )


def _refuse_other_digests(found: Texts, digests: Mapping[str, str]) -> None:
    lines = []
    for name in sorted(set(digests) | set(found.locked)):
        entry = found.locked.get(name)
        if entry is None:
            lines.append(f"{found.path}/{LOCK}: no entry for pipeline {name!r}")
        elif name not in digests:
            lines.append(f"{found.path}/{LOCK}: pipeline {name!r} is locked but has no manifest")
        elif entry.digest != digests[name] or entry.version != lock.version_name(digests[name]):
            lines.append(
                f"{found.path}/{LOCK}: {name!r} compiles to {digests[name]}, {entry.digest} was reviewed"
            )
    if lines:
        todo = "run `python scripts/render.py --all --lock`, and have the difference reviewed"
        raise RefusedError("\n".join([*lines, todo]))


def push_images(environment: str) -> str:
    """How an environment gets real digests in place of the placeholder."""
    return (
        "build and push the images, then set each digest: "
        f"`python scripts/image.py --env {environment} --set NAME=REGISTRY/IMAGE@sha256:…` "
        "(where pinned copies are followed, those of the steps come by promote.py)"
    )


def _refuse_placeholders(environment: str, host: str, images: Iterable[str]) -> None:
    if is_loopback(host):
        return
    if named := sorted(images):
        raise RefusedError(
            f"{host}: the placeholder digest may only run on this machine: {', '.join(named)}; "
            f"{push_images(environment)}; then render and commit"
        )
