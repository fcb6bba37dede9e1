"""What is delivered, as Argo CD's kustomize builds it, and how Argo CD looks at it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from project import PROJECT
from tools import kustomize_build

Object = dict[str, Any]
HOOK = "argocd.argoproj.io/hook"
ENVIRONMENTS = sorted(path.parent.name for path in PROJECT.glob("environments/*/release.yaml"))
"""Those that are delivered."""


@cache
def built(folder: Path) -> tuple[Object, ...]:
    """The objects of a folder; built once for all tests."""
    return tuple(kustomize_build(folder))


def of(env: str) -> tuple[Object, ...]:
    """The objects of one environment of this repository."""
    return built(PROJECT / "manifests" / env)


def one(objects: tuple[Object, ...], kind: str, name: str) -> Object:
    """The object of a kind and a name, a Job's without its content's digest."""
    (found,) = (item for item in objects if item["kind"] == kind and plain(item) == name)
    return found


def plain(item: Object) -> str:
    """An object's name, without the digest of all content in a Job's."""
    name = str(item["metadata"]["name"])
    return re.sub(r"-apply-[a-z0-9]{10}$", "", name) if item["kind"] == "Job" else name


def is_hook(item: Object) -> bool:
    """Argo CD compares no hooks, so their change alone starts no sync (controller/state.go)."""
    return HOOK in item["metadata"].get("annotations", {})


def tracked(objects: tuple[Object, ...] | list[Object]) -> dict[tuple[str, str, str], Object]:
    """What Argo CD compares with the cluster, by kind, namespace and name."""
    return {
        (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item
        for item in objects
        if not is_hook(item)
    }


def config_maps(objects: tuple[Object, ...]) -> dict[str, dict[str, str | bytes]]:
    """ConfigMap → key → content, of text and of bytes."""
    return {
        item["metadata"]["name"]: {
            **item.get("data", {}),
            **{key: base64.b64decode(content) for key, content in item.get("binaryData", {}).items()},
        }
        for item in objects
        if item["kind"] == "ConfigMap"
    }


def laid(found: Mapping[str, str | bytes], source: Object) -> Iterator[tuple[str, str | bytes]]:
    """(path, content) of what a source of a projected volume takes of a ConfigMap: its items, or all of it."""
    if "items" in source:
        yield from ((item["path"], found[item["key"]]) for item in source["items"])
    else:
        yield from found.items()


def mounted(pod: Object, objects: tuple[Object, ...]) -> dict[str, str | bytes]:
    """Path below /desired → content, from the ConfigMaps as kustomize built them."""
    maps = config_maps(objects)
    (desired,) = (volume for volume in pod["volumes"] if volume["name"] == "desired")
    found: dict[str, str | bytes] = {}
    for source in desired["projected"]["sources"]:
        for path, content in laid(maps[source["configMap"]["name"]], source["configMap"]):
            assert path not in found, f"{path} is mounted twice"
            found[path] = content
    return found


def pods(objects: tuple[Object, ...]) -> Iterator[tuple[str, Object]]:
    """(plain name, pod template) of everything that makes pods."""
    for item in objects:
        spec = item.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template", {})
        if "spec" in template:
            yield plain(item), template


# What an ApplicationSet has where an environment differs: `{{ get (dict "prod" "a") .path.basename | default "b" }}`.
_LOOKED_UP = re.compile(r'\{\{ get \(dict ([^)]*)\) \.path\.basename \| default "([^"]*)" \}\}')
_PAIR = re.compile(r'"([^"]*)" "([^"]*)"')


def application(applications: Object, env: str) -> Object:
    """The Application that the ApplicationSet makes for an environment, as far as its path goes."""
    text = yaml.safe_dump(applications["spec"]["template"], width=10_000).replace("{{ .path.basename }}", env)
    text = _LOOKED_UP.sub(lambda found: dict(_PAIR.findall(found[1])).get(env, found[2]), text)
    assert "{{" not in text
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **yaml.safe_load(text)}
