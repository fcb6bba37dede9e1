"""Delivery: what Argo CD applies for one environment, from templates/delivery/ and its `delivery` values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from kfp_gitops import files, processes, templates
from kfp_gitops.environment import RECONCILER_IMAGE, Environment
from kfp_gitops.errors import InputError, Problem, raise_if_any
from kfp_gitops.release import sha256

FOLDER = "templates/delivery"
_LAST = "kustomization.yaml.j2"
_OPTIONAL = frozenset({"status-cronjob.yaml.j2"})
"""What may be left out of an environment; what is not among these was left out by a wrong condition."""
_MANY = 50


def render(root: Path, env: Environment, pipelines: Sequence[tuple[str, Sequence[str]]]) -> dict[str, str]:
    """File name → text of each delivery manifest; `pipelines` are names with their files below manifests/<env>/.

    The kustomization comes last, for it names the others and their digests.

    Raises:
        InputError: a template that does not render to YAML, or no image of the reconciler.
    """
    texts = sources(root)
    context = _context(env, pipelines)
    names = sorted(name for name in texts if name.endswith(".yaml.j2") and name != _LAST)
    # Each of those that mount the pipelines' files has a line for each: with many it takes seconds.
    batch = 1 if len(pipelines) >= _MANY else len(names)
    found = processes.spread(lambda name: _rendered(env, texts, name, context), names, batch)
    rendered = {name.removesuffix(".j2"): text for name, text in zip(names, found, strict=True) if text}
    raise_if_any(
        Problem(f"{FOLDER}/{name}", 1, 1, "renders to no document", "correct its condition, or remove it")
        for name, text in zip(names, found, strict=True)
        if not text and name not in _OPTIONAL
    )
    digests = {name: f"sha256:{sha256(text)}" for name, text in rendered.items()}
    last = _rendered(env, texts, _LAST, {**context, "digests": digests})
    return {**rendered, _LAST.removesuffix(".j2"): last}


def sources(root: Path) -> dict[str, str]:
    """The templates, by their names in the folder."""
    return {name: files.read_text(root, f"{FOLDER}/{name}") for name in files.list_files(root, FOLDER)}


def _rendered(env: Environment, texts: Mapping[str, str], name: str, context: Mapping[str, Any]) -> str:
    return templates.to_yaml(texts, name, FOLDER, context, f" (rendered for {env.name})")


def _context(env: Environment, pipelines: Sequence[tuple[str, Sequence[str]]]) -> dict[str, Any]:
    """What the templates see; every name in a cluster holds the environment's, so two can share a namespace."""
    name = f"kfp-gitops-{env.name}"
    gateway = env.delivery.get("pushGateway")
    return {
        "environment": env.name,
        "name": name,
        "lease": f"{env.delivery['namespace']}/{name}",
        "metrics": [f"--push-gateway={gateway['url']}"] if gateway else [],
        "kfp": dict(env.kfp),
        "delivery": dict(env.delivery),
        "image": _image(env),
        "pipelines": [
            {"name": pipeline, "files": [{"key": key(path), "path": path} for path in paths]}
            for pipeline, paths in pipelines
        ],
    }


def _image(env: Environment) -> str:
    if RECONCILER_IMAGE in env.images:
        return env.images[RECONCILER_IMAGE]
    what, todo = "no image of the reconciler", f"add `{RECONCILER_IMAGE}:`"
    raise InputError([env.release_file.problem(("images",), what, todo)])


def key(path: str) -> str:
    """A ConfigMap's key for a file of a pipeline's folder: it may hold no `/`."""
    return ".".join(PurePosixPath(path).parts[2:])
