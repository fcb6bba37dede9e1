"""Pipelines inside a pipeline: which ones a manifest runs, and in which order they can be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.language import expansion
from kfp_gitops.language.manifest.model import Manifest, Task, used, walk


def reachable(outer: Manifest, read: Callable[[str], Manifest | None]) -> dict[str, Manifest]:
    """The pipelines that a manifest runs, and those that these run; `read` knows the ones that exist."""
    found: dict[str, Manifest] = {}
    waiting = used(outer, "pipeline")
    while waiting:
        name = waiting.pop(0)
        manifest = None if name in found else read(name)
        if manifest is not None:
            found[name] = manifest
            waiting += used(manifest, "pipeline")
    return found


def innermost_first(outer: Manifest, inner: Mapping[str, Manifest]) -> list[str]:
    """The names of the inner pipelines, each after those that it runs.

    Raises:
        InputError: a pipeline runs itself, directly or through others, or so many that they are too much to run.
    """
    _bounded(outer, inner)
    done: list[str] = []

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            raise InputError([_circle(inner[trail[-1]], name, trail[trail.index(name) :])])
        if name in inner and name not in done:
            for next_one in used(inner[name], "pipeline"):
                visit(next_one, (*trail, name))
            done.append(name)

    for name in used(outer, "pipeline"):
        visit(name, ())
    return done


def _bounded(outer: Manifest, inner: Mapping[str, Manifest]) -> None:
    """Before anything is done for each of them: inside one another they double with each level."""
    parts = {f"pipeline {name}": _runs(manifest) for name, manifest in inner.items()}
    if what := expansion.too_much({**parts, "": _runs(outer)}, ""):
        todo = "run fewer pipelines inside it, or split it"
        raise InputError([outer.document.problem(("spec",), f"has {what}", todo, key=True)])


def _runs(manifest: Manifest) -> list[str]:
    nodes = walk(manifest.body)
    return [f"{node.kind} {node.name}" if isinstance(node, Task) else "" for node in nodes]


def _circle(manifest: Manifest, name: str, trail: tuple[str, ...]) -> Problem:
    task = next(
        node
        for node in walk(manifest.body)
        if isinstance(node, Task) and (node.kind, node.name) == ("pipeline", name)
    )
    what = f"pipelines run each other: {' → '.join((*trail, name))}"
    return manifest.document.problem((*task.at, "pipeline"), what, "break the circle")
