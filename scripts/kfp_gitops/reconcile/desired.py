"""Desired state: what `manifests/<env>/` says, compiled and proved against its lock."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kfp_gitops.base import files, redact, schema, weburls
from kfp_gitops.base.errors import InputError, RefusedError, UsageError, raise_if_any
from kfp_gitops.base.places import Place, Plain, Source
from kfp_gitops.base.yamltext import parse
from kfp_gitops.compiling import lock
from kfp_gitops.compiling.lock import Locked
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Manifest, Schedule, Trigger, reader
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, experiment_name, schedule_name
from kfp_gitops.rendering.rendered import ENVIRONMENT, INNER, LOCK, RenderedPipeline, paused_until
from kfp_gitops.rendering.rendered import read_from as rendered_pipeline
from kfp_gitops.sources import brought

if TYPE_CHECKING:
    from kfp_gitops.compiling.compiler import Identity

__all__ = [
    "Absent",
    "Desired",
    "DesiredPipeline",
    "experiment_name",
    "load",
    "prove",
    "read",
    "schedule_name",
]


@dataclass(frozen=True)
class Texts:
    """manifests/<env>/ as it stands, its manifests not looked into."""

    environment: Mapping[str, Any]
    rendered: Mapping[str, RenderedPipeline]
    locked: Mapping[str, Locked]
    path: str


@dataclass(frozen=True)
class Folder(Texts):
    """manifests/<env>/ as read, before anything is compiled."""

    manifests: Mapping[str, Manifest]

    def inner(self, pipeline: str) -> dict[str, Manifest]:
        """The pipelines inside one, by name."""
        base = f"{self.path}/pipelines/{pipeline}/{INNER}"
        texts = self.rendered[pipeline].inner.items()
        return {name: reader.read(text, f"{base}/{name}.yaml") for name, text in texts}


@dataclass(frozen=True)
class _Head:
    """What desired state takes of a manifest: 1,000 whole ones, with the place of every value, take 125 MB."""

    description: str
    schedules: tuple[Schedule, ...]
    triggers: tuple[Trigger, ...]


def read(folder: Path | Place, environment: str) -> Folder:
    """Read a rendered environment; compiles nothing and imports no kfp.

    Raises:
        InputError: something is missing or malformed; run render.
    """
    found = texts(folder, environment)
    manifests = {
        name: _manifest(f"{found.path}/pipelines/{name}", one) for name, one in found.rendered.items()
    }
    return Folder(found.environment, found.rendered, found.locked, found.path, manifests)


def texts(folder: Path | Place, environment: str) -> Texts:
    """Read a rendered environment without looking into its manifests. A path is one of a repository.

    Raises:
        InputError: something is missing or malformed; run render.
    """
    return _place(folder).whole(lambda source: _texts(source, environment))


def _place(folder: Path | Place) -> Place:
    return Plain.at(folder) if isinstance(folder, Path) else folder


def _texts(source: Source, environment: str) -> Texts:
    settings = _settings(source, environment)
    rendered = {
        entry["name"]: rendered_pipeline(source, entry["name"], entry["release"])
        for entry in settings["pipelines"]
    }
    locked = lock.read(source.read_text(LOCK), f"{source.name}/{LOCK}")
    return Texts(settings, rendered, locked, source.name)


def _heads(found: Texts) -> dict[str, _Head]:
    heads = {}
    for name, rendered in found.rendered.items():
        manifest = _manifest(f"{found.path}/pipelines/{name}", rendered)
        heads[name] = _Head(manifest.description, manifest.schedules, manifest.triggers)
    return heads


def settings_of(folder: Path | Place, environment: str) -> Mapping[str, Any]:
    """What environment.yaml says: whose it is, which KFP, which pipelines.

    Raises:
        InputError: it is missing or malformed, or of another environment.
    """
    return _place(folder).whole(lambda source: _settings(source, environment))


def _settings(source: Source, environment: str) -> Mapping[str, Any]:
    if not source.path.is_dir():
        present = ", ".join(files.list_folders(source.path.parent, ".")) or "none"
        todo = f"there are: {present}; render one with `python scripts/render.py --env ENV`"
        raise InputError.of(str(source.path), "no such folder", todo)
    document = parse(source.read_text(ENVIRONMENT), f"{source.name}/{ENVIRONMENT}")
    raise_if_any(schema.problems(schema.named("environment"), document))
    if document.value["environment"] != environment:
        what = f"this is the environment {document.value['environment']!r}, not {environment!r}"
        raise InputError(
            [document.problem(("environment",), what, "give the folder of the environment you mean")]
        )
    found: Mapping[str, Any] = document.value
    return found


def _manifest(folder: str, rendered: RenderedPipeline) -> Manifest:
    irs = {name: brought.read(text, f"{folder}/{name}") for name, text in rendered.irs.items()}
    return brought.completed(reader.read(rendered.manifest, f"{folder}/pipeline.yaml"), irs)


def load(
    folder: Path | Place, environment: str, host: str | None = None, commit: str = "", checkout: str = ""
) -> Desired:
    """Read, compile and prove desired state (imports kfp).

    On what is registered the commit is told, and no more: `commit`, else the one whose sources were promoted, else
    `checkout`.

    Raises:
        InputError: something is missing or malformed.
        RefusedError: what compiles here is not what was reviewed, or an image is still the placeholder
            and the host is not this machine.
    """
    from kfp_gitops.compiling import compiler

    found = texts(folder, environment)
    heads = _heads(found)
    results = compiler.compile_all(list(found.rendered.values()), found.path)
    target = _proved(found, results, host)
    desired = _desired(found, heads, target, {name: result.text for name, result in results.items()})
    return replace(desired, commit=commit, checkout=checkout)


def prove(found: Texts, host: str | None, meanwhile: Callable[[], None]) -> None:
    """Compile, and refuse what `load` would refuse; keeps no IR. `meanwhile` is done while other processes compile.

    Raises:
        InputError: something is malformed.
        RefusedError: as `load`.
    """
    from kfp_gitops.compiling import compiler

    pipelines = list(found.rendered.values())
    _proved(found, compiler.identify_all(pipelines, found.path, meanwhile), host)


def _proved(found: Texts, results: Mapping[str, Identity], host: str | None) -> str:
    """The host, when what compiles here is what was reviewed, and may run there."""
    _refuse_other_digests(found, {name: result.digest for name, result in results.items()})
    target = checked_host(host or found.environment["kfp"]["host"])
    environment = found.environment["environment"]
    _refuse_placeholders(
        environment, target, {image for result in results.values() for image in result.placeholders}
    )
    return target


def reviewed(folder: Path | Place, environment: str, host: str | None = None) -> Desired:
    """Desired state as the lock tells it, without any IR: to look by, never to apply. Imports no kfp.

    Raises:
        InputError: something is missing or malformed, or the lock has no entry for a pipeline.
    """
    return as_locked(texts(folder, environment), host)


def as_locked(found: Texts, host: str | None = None) -> Desired:
    """The same, of what has been read."""
    _refuse_other_digests(
        found, {name: found.locked[name].digest for name in found.rendered if name in found.locked}
    )
    target = checked_host(host or found.environment["kfp"]["host"])
    return _desired(found, _heads(found), target, dict.fromkeys(found.rendered, ""))


def _desired(found: Texts, heads: Mapping[str, _Head], host: str, irs: Mapping[str, str]) -> Desired:
    environment = found.environment["environment"]
    entries = {entry["name"]: entry for entry in found.environment["pipelines"]}
    pipelines = tuple(
        DesiredPipeline(
            name=name,
            description=head.description,
            release=found.rendered[name].release,
            version=found.locked[name].version,
            digest=found.locked[name].digest,
            ir=irs[name],
            schedules=head.schedules,
            triggers=head.triggers,
            paused_until=timing.instant(paused_until(found.environment, entries[name])),
            source=f"manifests/{environment}/pipelines/{name}/pipeline.yaml",
            commit=entries[name].get("commit", ""),
        )
        for name, head in heads.items()
    )
    _refuse_one_name_for_two(pipelines)
    return Desired(
        owner=Owner(found.environment["repository"], environment),
        host=host,
        namespace=found.environment["kfp"]["namespace"],
        pipelines=pipelines,
        absent=tuple(Absent(**entry) for entry in found.environment.get("absent", [])),
        keep_versions=found.environment.get("keepVersions", 10),
        time_zone=found.environment.get("timeZone", "UTC"),
        disabled=found.environment.get("state") == "disabled",
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


def checked_host(host: str) -> str:
    """The URL of a KFP API, which is shown in plans and so may hold no password.

    Raises:
        UsageError: not an http(s) URL, or it holds credentials.
    """
    parts = weburls.split(host)
    if parts is None:
        raise UsageError(f"{redact.text(host)!r} is no URL of a KFP API; write http://… or https://…")
    if parts.username is not None:
        raise UsageError(
            "the URL of the KFP API holds a user or password; give the token in KFP_TOKEN instead"
        )
    return host.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a URL leads to this machine."""
    name = urlsplit(host if "//" in host else f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
