"""Older versions of the manifest language: how a document of each becomes one of the next.

A pinned copy of a release cannot be edited, so `render` still reads old templates: it migrates what they
render to, writes the present version, and says which line of the template to change.
`manifests/<env>/` always holds the present version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document
from kfp_gitops.language.manifest.model import API_VERSION

GUIDE = "docs/manifest-migration.md"
_NEW_REFERENCES = ("artifact", "oneOf", "concat")


def from_v1alpha1(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """v1 gave a meaning to maps with the keys artifact, oneOf and concat; they were constants before."""
    spec = manifest.get("spec")
    if isinstance(spec, dict) and "tasks" in spec:
        spec = {**spec, "tasks": _each(spec["tasks"], _node)}
    return {**manifest, "apiVersion": "kfp-gitops/v1", "spec": spec}


def _each(data: Any, change: Callable[[Any], Any]) -> Any:
    """A map or a list with each of its values changed; everything else is for the schema to refuse."""
    if isinstance(data, dict):
        return {key: change(value) for key, value in data.items()}
    return [change(value) for value in data] if isinstance(data, list) else data


def _node(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    changes: Mapping[str, Callable[[Any], Any]] = {
        "arguments": lambda arguments: _each(arguments, _literal),
        "loop": lambda loop: _each(loop, _literal),
        "if": lambda comparison: _each(comparison, lambda operands: _each(operands, _literal)),
        "tasks": lambda tasks: _each(tasks, _node),
        "finally": lambda tasks: _each(tasks, _node),
        "elif": lambda branches: _each(branches, _node),
        "else": _node,
    }
    return {key: changes[key](value) if key in changes else value for key, value in node.items()}


def _literal(value: Any) -> Any:
    """A constant that v1 would take for a reference stays a constant."""
    if isinstance(value, list):
        return [_literal(item) for item in value]
    if not isinstance(value, dict) or "literal" in value:
        return value
    if any(key in value for key in _NEW_REFERENCES):
        return {"literal": value}
    return {key: _literal(item) for key, item in value.items()}


# Each version that can still be read, and the step to the one after it.
STEPS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "kfp-gitops/v1alpha1": from_v1alpha1,
}


def migrated(document: Document) -> Document:
    """The document in the present version; itself when it is in it already, or in none that is known.

    Positions stay those of the text that was read.
    """
    value = document.value
    while isinstance(value, dict) and (step := STEPS.get(str(value.get("apiVersion")))):
        value = step(value)
    return document if value is document.value else replace(document, value=value)


def problems(document: Document) -> list[Problem]:
    """That a document is in an older version, as an error with what to do."""
    version = document.value.get("apiVersion") if isinstance(document.value, dict) else None
    if str(version) not in STEPS:
        return []
    what = f"the manifest is in {version}, an older version than {API_VERSION}"
    todo = f"render it anew with `python scripts/render.py --all --lock` (see {GUIDE})"
    return [document.problem(("apiVersion",), what, todo)]


def warnings(document: Document) -> list[Problem]:
    """That a template is written in an older version, which still works."""
    version = document.value.get("apiVersion") if isinstance(document.value, dict) else None
    if str(version) not in STEPS:
        return []
    what = f"the template is written in {version} and was migrated to {API_VERSION}"
    todo = f"change the line to `apiVersion: {API_VERSION}` (what else changed: {GUIDE})"
    return [document.problem(("apiVersion",), what, todo)]
