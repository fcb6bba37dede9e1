"""Images, variables and installing commands of containers, wherever a rendered file has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.review.policy.subject import Subject
from kfp_gitops.sources import components

_INSTALL = re.compile(
    r"[^\n;&|]*\b(?:pip3?|uv|conda|mamba|apt|apt-get|dnf|npm)\s+(?:-\S+\s+)*install\b[^\n;&|]*"
    r"|[^\n;&|]*\b(?:uv\s+(?:pip\s+install|add)|apk\s+add)\b[^\n;&|]*"
)

_PIP = "apt-get install python3-pip"
"""What the SDK puts before every installing step (kfp.dsl.component_factory); it says nothing of what is installed."""


def in_containers(environment: str, name: str, document: Document) -> Iterator[Subject]:
    """Containers, wherever a file has them: in component specs, in compiled pipelines, in Kubernetes objects."""
    place = f"{environment}/{name.removesuffix('.yaml')}"
    for at, container in _containers(document.value, ()):
        image = container.get("image")
        if isinstance(image, str) and not components.is_stub(image, at):
            yield Subject("image", environment, place, image, document, (*at, "image"))
        for at_text, text in _installs(container, at):
            yield Subject("install", environment, place, text, document, at_text)
        for index, variable in enumerate(_env_list(container.get("env"))):
            yield Subject(
                "variable",
                environment,
                f"{place}/{variable['name']}",
                variable,
                document,
                (*at, "env", index),
            )


def _installs(container: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, str]]:
    """Where a command installs packages, and the line that says so; `packages_to_install` is such a line."""
    for key in ("command", "args"):
        parts = container.get(key)
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, str) and (found := _installing(part)):
                yield (*at, key, index), found


def _installing(text: str) -> str:
    """The first line that installs something; the SDK's way to a missing pip only where that is all."""
    lines = [found[0].strip() for found in _INSTALL.finditer(text)]
    return next((line for line in lines if line != _PIP), next(iter(lines), ""))


def _env_list(env: Any) -> list[Mapping[str, Any]]:
    """Component YAML v1 writes a map; compiled specs and Kubernetes a list of name and value."""
    if isinstance(env, Mapping):
        return [{"name": key, "value": value} for key, value in env.items()]
    return [item for item in env or [] if isinstance(item, Mapping) and "name" in item]


def _containers(value: Any, at: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Maps that stand under `container`, and the items of `containers` and of a pod's other lists."""
    if isinstance(value, Mapping):
        yield from components.pod_containers(value, at)
        for key, inner in value.items():
            if key == "container" and isinstance(inner, Mapping):
                yield (*at, key), inner
            yield from _containers(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _containers(inner, (*at, index))
