"""Delivery: what Argo CD applies for one environment, from templates/delivery/ and its `delivery` values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError, Problem, attempted, raise_if_any
from kfp_gitops.language import cron, waits
from kfp_gitops.rendering import egress, specs
from kfp_gitops.rendering.packing import FOLDER as PACKED
from kfp_gitops.rendering.packing import HEAD, Packing
from kfp_gitops.rendering.passes import Passes
from kfp_gitops.rendering.rendered import header
from kfp_gitops.sources import templates
from kfp_gitops.sources.environment import RECONCILER_IMAGE, Environment
from kfp_gitops.sources.release import sha256

FOLDER = "templates/delivery"
_KUSTOMIZATION, _CONTENT, _NAMES = "kustomization.yaml.j2", "content.yaml.j2", "names.yaml.j2"
"""For kustomize; everything else is objects."""
_OPTIONAL = frozenset({"drift-cronjob.yaml.j2", "status-cronjob.yaml.j2", "trigger-cronjob.yaml.j2"})
"""What may be left out of an environment; what is not among these was left out by a wrong condition."""
CONTENT = _CONTENT.removesuffix(".j2")


@dataclass(frozen=True)
class Listed:
    """Name, digest and paths below manifests/<env>/ of each pipeline that is delivered; paths of what they share.

    `passes`: what of it a pass each minute looks after.
    """

    pipelines: Sequence[tuple[str, str, Sequence[str]]]
    shared: Sequence[str]
    passes: Passes = field(default_factory=Passes)


def render(
    root: Path,
    env: Environment,
    listed: Listed,
    approved: str = "",
    packing: Packing | None = None,
    artifact: str = "",
) -> dict[str, str]:
    """File name → text of each delivery manifest; `approved` is the text of the plan that its Job shall carry out.

    `artifact` is the reference of an image that holds all that is mounted.

    The kustomization comes after the objects, which it names. What digests there are comes last: `content`.

    Raises:
        InputError: a template that does not render to YAML, or no image of the reconciler.
    """
    texts = sources(root)
    context = {**_context(env, listed, packing), "approved": approved, "artifact": artifact}
    rendered = _objects(env, texts, context)
    raise_if_any(_not_demanded(env, rendered, listed.passes))
    of_kustomize = {"objects": list(rendered), **context}
    if earlier := _of_an_earlier_version(texts):
        of_kustomize["digests"] = {name: f"sha256:{sha256(text)}" for name, text in rendered.items()}
    for name in (_KUSTOMIZATION,) if earlier else (_NAMES, _KUSTOMIZATION):
        rendered[name.removesuffix(".j2")] = _rendered(env, texts, name, of_kustomize)
    raise_if_any(_not_delivered(env, rendered, listed, packing))
    raise_if_any(_not_mounted(rendered, artifact))
    return {name: header(env.name, f"{FOLDER}/{name}.j2") + text for name, text in rendered.items()}


def content(root: Path, env: Environment, listed: Listed, digests: Mapping[str, str]) -> dict[str, str]:
    """The file of the digests of what is delivered; `digests` are those of files, by paths below manifests/<env>/.

    `listed` are the pipelines that are in none of these.
    """
    texts = sources(root)
    if _of_an_earlier_version(texts):
        return {}
    context = {**_context(env, listed, None), "digests": dict(sorted(digests.items()))}
    text = header(env.name, f"{FOLDER}/{_CONTENT}") + _rendered(env, texts, _CONTENT, context)
    return {CONTENT: text}


def warnings(root: Path) -> Iterator[Problem]:
    """What an installed package finds in the templates of the version before it."""
    if _of_an_earlier_version(sources(root)):
        what = f"templates of an earlier kfp-gitops, without {_NAMES} and {_CONTENT}: Argo CD may leave a merge out"
        todo = "take templates/delivery/ and templates/argocd/ of this version: docs/upgrade.md"
        yield Problem(f"{FOLDER}/{_KUSTOMIZATION}", 1, 1, what, todo)


def _of_an_earlier_version(texts: Mapping[str, str]) -> bool:
    """Whether the Job that applies was a hook then, which no object's name tells apart from another."""
    return _KUSTOMIZATION in texts and not {_NAMES, _CONTENT} & texts.keys()


def _objects(env: Environment, texts: Mapping[str, str], context: Mapping[str, Any]) -> dict[str, str]:
    not_these = (_KUSTOMIZATION, _CONTENT, _NAMES)
    names = sorted(name for name in texts if name.endswith(".yaml.j2") and name not in not_these)
    found = {name: _rendered(env, texts, name, context) for name in names}
    raise_if_any(
        Problem(f"{FOLDER}/{name}", 1, 1, "renders to no document", "correct its condition, or remove it")
        for name, text in found.items()
        if not text and name not in _OPTIONAL
    )
    return {name.removesuffix(".j2"): text for name, text in found.items() if text}


def _not_demanded(env: Environment, rendered: Mapping[str, str], passes: Passes) -> Iterator[Problem]:
    """An installed package finds the templates of a version that did not know of it: nobody would miss it in time."""
    plan, page = (
        f"`delivery.{key}` is set" if env.delivery.get(key) and not env.disabled else ""
        for key in ("requirePlan", "statusPage")
    )
    wanted = (
        (plan, "--require-plan", "apply-job", "the Job demands no approved plan"),
        (page, "--html=", "status-cronjob", "no CronJob writes a status page"),
        (_wait_for_it(passes), "- trigger\n", "trigger-cronjob", "no CronJob starts what triggers are owed"),
    )
    for why, option, name, lacks in wanted:
        if why and not any(option in text for text in rendered.values()):
            todo = "take templates/delivery/ of this version: docs/upgrade.md"
            yield Problem(f"{FOLDER}/{name}.yaml.j2", 1, 1, f"{lacks}, and {why}", todo)


def _wait_for_it(passes: Passes) -> str:
    return f"there is {passes.reason}" if passes.wanted else ""


def _not_delivered(
    env: Environment, rendered: Mapping[str, str], listed: Listed, packing: Packing | None
) -> Iterator[Problem]:
    """Templates of a version before shared component specs, or before archives: the reconciler would miss these."""
    paths = [f"{PACKED}/{name}" for name in packing.names()] if packing else [*listed.shared]
    mounted = [f"-{_object(name)}\n" for name in packing.names()] if packing else paths
    missing = {
        "kustomization.yaml": not all(path in rendered.get("kustomization.yaml", "") for path in paths),
        "_pod": not env.disabled and not all(path in rendered.get("apply-job.yaml", "") for path in mounted),
    }
    what = "it leaves out the component specs, which stand in components/ now, once for all pipelines"
    if packing:
        what = f"it leaves out the archives in {PACKED}/, which hold the pipelines where there are many"
    for name in (name for name, lacks in missing.items() if lacks):
        todo = "take templates/delivery/ of this version: docs/upgrade.md"
        yield Problem(f"{FOLDER}/{name}.j2", 1, 1, what, todo)


def _not_mounted(rendered: Mapping[str, str], artifact: str) -> Iterator[Problem]:
    """Templates of a version that knew of no artifact."""
    if artifact not in rendered.get("apply-job.yaml", ""):
        what, todo = "it does not mount the artifact of `delivery.artifact`", "docs/upgrade.md"
        yield Problem(f"{FOLDER}/_pod.j2", 1, 1, what, f"take templates/delivery/ of this version: {todo}")


def sources(root: Path) -> dict[str, str]:
    """The templates, by their names in the folder."""
    return {name: files.read_text(root, f"{FOLDER}/{name}") for name in files.list_files(root, FOLDER)}


def _rendered(env: Environment, texts: Mapping[str, str], name: str, context: Mapping[str, Any]) -> str:
    return templates.to_yaml(texts, name, FOLDER, context, f"rendered for {env.name}")


def _context(env: Environment, listed: Listed, packing: Packing | None) -> dict[str, Any]:
    """What the templates see; every name in a cluster holds the environment's, so two can share a namespace."""
    demanded(env)
    name = f"kfp-gitops-{env.name}"
    passes = listed.passes
    gateway = env.delivery.get("pushGateway")
    return {
        "environment": env.name,
        "name": name,
        "disabled": env.disabled,
        "lease": f"{env.delivery['namespace']}/{name}",
        "metrics": [f"--push-gateway={gateway['url']}"] if gateway else [],
        "status_period": _period(env.delivery["statusSchedule"]),
        "triggered": passes.reason,
        "trigger_period": _period(env.delivery["triggerSchedule"]),
        "data": env.delivery.get("data") if passes.on_data else None,
        "metadata": egress.metadata(env) if passes.reads else None,
        "follows": bool(passes.after_runs),
        "backfills": bool(passes.backfills),
        "collects": bool(passes.collects),
        "kfp": dict(env.kfp),
        "delivery": {**env.delivery, "network": {**env.delivery["network"], "kfp": egress.kfp(env)}},
        "image": _image(env),
        "pipelines": [
            {
                "name": pipeline,
                "digest": digest,
                "files": [{"key": key(path), "path": path} for path in paths],
            }
            for pipeline, digest, paths in ([] if packing else listed.pipelines)
        ],
        "components": [{"key": key(path), "path": path} for path in ([] if packing else listed.shared)],
        "archives": _archives(packing) if packing else [],
        "head": f"{PACKED}/{HEAD}" if packing else HEAD,
    }


def _period(schedule: str) -> int:
    """Seconds from one firing to the next at most: a status page that is older than some of them is too old."""
    return int(waits.longest(cron.parse(f"0 {schedule}")).total_seconds())


def demanded(env: Environment) -> None:
    """Look at what delivery takes of an environment's own files.

    Raises:
        InputError: every problem of that.
    """
    problems: list[Problem] = []
    attempted(problems, lambda: _image(env))
    attempted(problems, lambda: egress.kfp(env))
    raise_if_any(problems)


def _archives(packing: Packing) -> list[dict[str, str]]:
    return [{"name": _object(name), "file": name, "path": f"{PACKED}/{name}"} for name in packing.names()]


def _object(archive: str) -> str:
    """What the ConfigMap of an archive is called, behind the environment's name."""
    return archive.removesuffix(".tar.gz")


def _image(env: Environment) -> str:
    if RECONCILER_IMAGE in env.images:
        return env.images[RECONCILER_IMAGE]
    what, todo = "no image of the reconciler", f"add `{RECONCILER_IMAGE}:`"
    raise InputError([env.release_file.problem(("images",), what, todo)])


def key(path: str) -> str:
    """A ConfigMap's key for a file of a pipeline's folder, or a shared one: it may hold no `/`."""
    parts = PurePosixPath(path).parts
    return ".".join(parts[1:] if parts[0] == specs.FOLDER else parts[2:])
