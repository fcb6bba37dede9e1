"""Argo CD's own objects in argocd/, from templates/argocd/ and what the environments say of their clusters.

They are about all environments at once, so they are rendered with all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from kfp_gitops.base import files, folders
from kfp_gitops.base.errors import GitOpsError, Problem, raise_if_any
from kfp_gitops.base.yamltext import parse
from kfp_gitops.sources import templates
from kfp_gitops.sources.environment import Environment

FOLDER = "argocd"
_PATCH = "notifications.yaml"
_NAME = 63
"""Characters of an Application's name: it is the value of a label where Argo CD tracks objects by label."""
TEMPLATES = "templates/argocd"
_HEADER = "# Generated from {} by `python scripts/render.py --all`; edit that, not this.\n"


def render(root: Path, environments: Sequence[Environment]) -> dict[str, str]:
    """File name → text of everything in argocd/; nothing where a repository has no templates for it.

    Raises:
        InputError: a template that does not render to YAML, or a name that is too long.
    """
    if not (root / TEMPLATES).is_dir():
        return {}
    raise_if_any(problem for env in environments for problem in _too_long(env))
    texts = {name: files.read_text(root, f"{TEMPLATES}/{name}") for name in files.list_files(root, TEMPLATES)}
    context = _context(environments)
    return {
        name.removesuffix(".j2"): _HEADER.format(f"{TEMPLATES}/{name}")
        + templates.to_yaml(texts, name, TEMPLATES, context)
        for name in texts
        if name.endswith(".yaml.j2")
    }


def to_do(root: Path, wanted: Mapping[str, str], namespace: str) -> list[str]:
    """What somebody must do once `wanted` is in argocd/ in place of what is there: nothing applies that by itself."""
    changed = [name for _, name in folders.differences(root, FOLDER, wanted)]
    then, now = _namespaces(_standing(root)), _namespaces(wanted)
    found = [
        f"kubectl --context … create namespace {name}   # in {cluster}, unless it is there"
        for cluster, name in sorted(now - then)
    ]
    if any(name != _PATCH for name in changed):
        found.append(f"kubectl apply -k .   # where Argo CD runs, {_when(then, now)}")
    if _PATCH in changed:
        found.append(
            f"kubectl -n {namespace} patch configmap argocd-notifications-cm --type merge "
            f"--patch-file {FOLDER}/{_PATCH}   # likewise"
        )
    return found


def _when(then: AbstractSet[tuple[str, str]], now: AbstractSet[tuple[str, str]]) -> str:
    """The AppProject must name a destination before something is delivered there, and until all of it is pruned."""
    if now - then and then - now:
        return "before this is merged: see «Moving one» in docs/environments.md"
    if now - then:
        return "before this is merged: until then the AppProject does not let Argo CD in there"
    if then - now:
        gone = ", ".join(sorted(name for _, name in then - now))
        return f"when Argo CD has deleted what is in {gone}: it is not let in there any more"
    return "once this is merged"


def _standing(root: Path) -> dict[str, str]:
    return {name: files.read_text(root, f"{FOLDER}/{name}") for name in files.list_files(root, FOLDER)}


def _namespaces(texts: Mapping[str, str]) -> set[tuple[str, str]]:
    """(cluster, namespace) of each destination of the project; what somebody made of the file by hand is none."""
    try:
        project = parse(texts.get("project.yaml", "{}"), f"{FOLDER}/project.yaml").value
        return {(each["server"], each["namespace"]) for each in project["spec"]["destinations"]}
    except (GitOpsError, KeyError, TypeError):
        return set()


def _too_long(env: Environment) -> Iterator[Problem]:
    name = f"{env.repository['id']}-{env.name}"
    if len(name) > _NAME:
        what = f"the Application {name} would have a name of {len(name)} characters, and {_NAME} are possible"
        yield env.values.problem(
            ("repository", "id"), what, "choose a shorter id, or a shorter name of the environment"
        )


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
