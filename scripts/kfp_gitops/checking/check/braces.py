"""Placeholders of Argo in a manifest: whatever of it gets into the workflow, and what schedules and triggers give.

The pipeline's own description does not: KFP keeps it beside the workflow.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.language import argotext
from kfp_gitops.language.manifest import ConcatValue, Constant, Manifest, Value, order, parts, walk

_TODO = "keep the braces apart, such as { {…} }; a fact of the run is {run: …}, a parameter {param: …}"


def problems(manifest: Manifest) -> Iterator[Problem]:
    """Every text that Argo would not leave as it is."""
    document = manifest.document
    found = [*argotext.places(document.value["spec"], ("spec",))]
    for start in manifest.starts:
        found += argotext.places(dict(start.constants), (*start.at, "parameters"))
    for at, text in found:
        yield document.problem(at, argotext.said(text), _TODO)
    for node in walk(manifest.body):
        for value in order.values(node):
            for made in _together(value):
                yield document.problem(node.at, argotext.said(made), _TODO, key=True)


def _together(value: Value) -> Iterator[str]:
    """Texts put together from parts, of which none holds a placeholder alone; a reference parts like a line break."""
    if isinstance(value, ConcatValue):
        texts = [str(part.value) if isinstance(part, Constant) else "\n" for part in value.items]
        if argotext.together(texts):
            yield "".join(texts)
    for part in parts(value):
        yield from _together(part)
