"""Delivery: what Argo CD applies for one environment, from templates/delivery/ and its `delivery` values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from kfp_gitops.base import files, processes
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.rendering import egress, planfile, specs
from kfp_gitops.sources import templates
from kfp_gitops.sources.environment import RECONCILER_IMAGE, Environment
from kfp_gitops.sources.release import sha256

FOLDER = "templates/delivery"
_KUSTOMIZATION, _CONTENT, _NAMES = "kustomization.yaml.j2", "content.yaml.j2", "names.yaml.j2"
"""For kustomize; everything else is objects."""
_OPTIONAL = frozenset({"drift-cronjob.yaml.j2", "status-cronjob.yaml.j2"})
"""What may be left out of an environment; what is not among these was left out by a wrong condition."""
_MANY = 50

Listed = tuple[str, str, Sequence[str]]
"""A pipeline's name, the digest of its files, and their paths below manifests/<env>/."""


def render(
    root: Path, env: Environment, pipelines: Sequence[Listed], shared: Sequence[str], approved: str = ""
) -> dict[str, str]:
    """File name → text of each delivery manifest; `approved` is the text of the plan that its Job shall carry out.

    `shared` are the paths below manifests/<env>/ of what more than one pipeline may use.

    The kustomization comes after the objects, which it names, and their digests last.

    Raises:
        InputError: a template that does not render to YAML, or no image of the reconciler.
    """
    texts = sources(root)
    context = {**_context(env, pipelines, shared), "approved": approved}
    rendered = _objects(env, texts, context, len(pipelines))
    raise_if_any(_not_demanded(env, rendered))
    of_kustomize = {"objects": list(rendered), **context}
    if _of_an_earlier_version(texts):
        of_kustomize["digests"] = {name: f"sha256:{sha256(text)}" for name, text in rendered.items()}
        name = _KUSTOMIZATION.removesuffix(".j2")
        rendered[name] = _rendered(env, texts, _KUSTOMIZATION, of_kustomize)
        raise_if_any(_not_delivered(env, rendered, shared))
        return rendered
    for name in (_NAMES, _KUSTOMIZATION):
        rendered[name.removesuffix(".j2")] = _rendered(env, texts, name, of_kustomize)
    raise_if_any(_not_delivered(env, rendered, shared))
    listed = {**rendered, **({planfile.NAME: approved} if approved else {})}
    digests = {name: f"sha256:{sha256(text)}" for name, text in listed.items()}
    rendered[_CONTENT.removesuffix(".j2")] = _rendered(env, texts, _CONTENT, {**context, "digests": digests})
    return rendered


def warnings(root: Path) -> Iterator[Problem]:
    """What an installed package finds in the templates of the version before it."""
    if _of_an_earlier_version(sources(root)):
        what = f"templates of an earlier kfp-gitops, without {_NAMES} and {_CONTENT}: Argo CD may leave a merge out"
        todo = "take templates/delivery/ and templates/argocd/ of this version: docs/upgrade.md"
        yield Problem(f"{FOLDER}/{_KUSTOMIZATION}", 1, 1, what, todo)


def _of_an_earlier_version(texts: Mapping[str, str]) -> bool:
    """Whether the Job that applies was a hook then, which no object's name tells apart from another."""
    return _KUSTOMIZATION in texts and not {_NAMES, _CONTENT} & texts.keys()


def _objects(
    env: Environment, texts: Mapping[str, str], context: Mapping[str, Any], pipelines: int
) -> dict[str, str]:
    not_these = (_KUSTOMIZATION, _CONTENT, _NAMES)
    names = sorted(name for name in texts if name.endswith(".yaml.j2") and name not in not_these)
    # Each of those that mount the pipelines' files has a line for each: with many it takes seconds.
    batch = 1 if pipelines >= _MANY else len(names)
    found = processes.spread(lambda name: _rendered(env, texts, name, context), names, batch)
    raise_if_any(
        Problem(f"{FOLDER}/{name}", 1, 1, "renders to no document", "correct its condition, or remove it")
        for name, text in zip(names, found, strict=True)
        if not text and name not in _OPTIONAL
    )
    return {name.removesuffix(".j2"): text for name, text in zip(names, found, strict=True) if text}


def _not_demanded(env: Environment, rendered: Mapping[str, str]) -> Iterator[Problem]:
    """An installed package finds the templates of a version that knew of no approved plan: nothing would be refused."""
    if not env.delivery["requirePlan"] or env.disabled:
        return
    if not any("--require-plan" in text for text in rendered.values()):
        what = "the Job demands no approved plan, and `delivery.requirePlan` is set"
        todo = "take templates/delivery/ of this version: docs/upgrade.md"
        yield Problem(f"{FOLDER}/apply-job.yaml.j2", 1, 1, what, todo)


def _not_delivered(env: Environment, rendered: Mapping[str, str], shared: Sequence[str]) -> Iterator[Problem]:
    """Templates of a version in which each pipeline had its own component specs: the reconciler would miss these."""
    missing = {
        "kustomization.yaml": not all(path in rendered.get("kustomization.yaml", "") for path in shared),
        "_pod": not env.disabled and not all(path in rendered.get("apply-job.yaml", "") for path in shared),
    }
    for name in (name for name, lacks in missing.items() if lacks):
        what = "it leaves out the component specs, which stand in components/ now, once for all pipelines"
        yield Problem(
            f"{FOLDER}/{name}.j2", 1, 1, what, "take templates/delivery/ of this version: docs/upgrade.md"
        )


def sources(root: Path) -> dict[str, str]:
    """The templates, by their names in the folder."""
    return {name: files.read_text(root, f"{FOLDER}/{name}") for name in files.list_files(root, FOLDER)}


def _rendered(env: Environment, texts: Mapping[str, str], name: str, context: Mapping[str, Any]) -> str:
    return templates.to_yaml(texts, name, FOLDER, context, f" (rendered for {env.name})")


def _context(env: Environment, pipelines: Sequence[Listed], shared: Sequence[str]) -> dict[str, Any]:
    """What the templates see; every name in a cluster holds the environment's, so two can share a namespace."""
    name = f"kfp-gitops-{env.name}"
    gateway = env.delivery.get("pushGateway")
    return {
        "environment": env.name,
        "name": name,
        "disabled": env.disabled,
        "lease": f"{env.delivery['namespace']}/{name}",
        "metrics": [f"--push-gateway={gateway['url']}"] if gateway else [],
        "kfp": dict(env.kfp),
        "delivery": {**env.delivery, "network": {**env.delivery["network"], "kfp": egress.kfp(env)}},
        "image": _image(env),
        "pipelines": [
            {
                "name": pipeline,
                "digest": digest,
                "files": [{"key": key(path), "path": path} for path in paths],
            }
            for pipeline, digest, paths in pipelines
        ],
        "components": [{"key": key(path), "path": path} for path in shared],
    }


def _image(env: Environment) -> str:
    if RECONCILER_IMAGE in env.images:
        return env.images[RECONCILER_IMAGE]
    what, todo = "no image of the reconciler", f"add `{RECONCILER_IMAGE}:`"
    raise InputError([env.release_file.problem(("images",), what, todo)])


def key(path: str) -> str:
    """A ConfigMap's key for a file of a pipeline's folder, or a shared one: it may hold no `/`."""
    parts = PurePosixPath(path).parts
    return ".".join(parts[1:] if parts[0] == specs.FOLDER else parts[2:])
