"""Argo CD's own objects in argocd/, from templates/argocd/ and what the environments say of their clusters.

They are about all environments at once, so they are rendered with all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kfp_gitops import files, templates
from kfp_gitops.environment import Environment

FOLDER = "argocd"
TEMPLATES = "templates/argocd"
_HEADER = "# Generated from {} by `python scripts/render.py --all`; edit that, not this.\n"


def render(root: Path, environments: Sequence[Environment]) -> dict[str, str]:
    """File name → text of everything in argocd/; nothing where a repository has no templates for it.

    Raises:
        InputError: a template that does not render to YAML.
    """
    if not (root / TEMPLATES).is_dir():
        return {}
    texts = {name: files.read_text(root, f"{TEMPLATES}/{name}") for name in files.list_files(root, TEMPLATES)}
    context = _context(environments)
    return {
        name.removesuffix(".j2"): _HEADER.format(f"{TEMPLATES}/{name}")
        + templates.to_yaml(texts, name, TEMPLATES, context)
        for name in texts
        if name.endswith(".yaml.j2")
    }


def _context(environments: Sequence[Environment]) -> dict[str, Any]:
    """What the templates see; `usual` is where most environments go, `elsewhere` names those that do not."""
    first = environments[0]
    usual, elsewhere = {}, {}
    for key in ("cluster", "namespace"):
        values = {env.name: env.delivery[key] for env in environments}
        usual[key] = Counter(values.values()).most_common(1)[0][0]
        elsewhere[key] = {name: value for name, value in values.items() if value != usual[key]}
    return {
        "repository": dict(first.repository),
        "argocd": dict(first.argocd),
        "usual": usual,
        "elsewhere": elsewhere,
        "destinations": [
            {"cluster": cluster, "namespace": namespace}
            for cluster, namespace in sorted(set(_destinations(environments)))
        ],
        "windows": [
            {**window, "environment": env.name}
            for env in environments
            for window in env.delivery["syncWindows"]
        ],
    }


def _destinations(environments: Sequence[Environment]) -> Iterator[tuple[str, str]]:
    """(cluster, namespace) of every object: the reconciler's, and the Role in KFP's user namespace."""
    for env in environments:
        yield env.delivery["cluster"], env.delivery["namespace"]
        if env.kfp["namespace"]:
            yield env.delivery["cluster"], env.kfp["namespace"]
