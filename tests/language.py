"""Manifests as tests write them: the language over the components of tests/dsl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.checking import check
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.language.manifest import reader
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import brought, components
from kfp_gitops.sources.components import Interface
from project import HERE

HEAD = """\
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: p, description: d, owner: o}
"""
SPECS = {path.stem: path.read_text("utf-8") for path in sorted((HERE / "dsl/dsl_components").glob("*.yaml"))}
COMPONENTS: Mapping[str, Interface] = {
    name: components.read(name, text, f"{name}.yaml") for name, text in SPECS.items()
}


def brought_soundly(text: str, path: str) -> None:
    """Read an IR that has no fault at all, not even one that a manifest may accept."""
    raise_if_any(brought.read(text, path).faults)


def problems(body: str) -> list[Problem]:
    """Everything that is wrong with a manifest, from its schema or from the checks."""
    try:
        manifest = reader.read(HEAD + body, "m.yaml")
    except InputError as error:
        return list(error.problems)
    return check.problems(manifest, COMPONENTS)


def refusals(body: str) -> list[str]:
    """The same as people read it, lines counted from the first one of the body."""
    offset = HEAD.count("\n")
    return [f"{p.line - offset}:{p.column}: {p.what}; {p.todo}" for p in problems(body)]


def warnings(body: str) -> list[str]:
    """What is allowed, and is warned of."""
    return [str(found) for found in check.warnings(reader.read(HEAD + body, "m.yaml"), COMPONENTS)]


def compiled(body: str) -> str:
    """The IR text of a manifest without problems, linted by the compiler."""
    assert refusals(body) == []
    return compile_pipeline(RenderedPipeline("p", "sha256:0", HEAD + body, SPECS), "m").text


def tree(text: str) -> dict[str, Any]:
    """The tasks of IR as a tree: display name → the tasks inside it, or what it is given."""
    spec = ir.documents(text)[0]

    def of(dag: Mapping[str, Any]) -> dict[str, Any]:
        return {task["taskInfo"]["name"]: inside(task) for task in dag["tasks"].values()}

    def inside(task: Mapping[str, Any]) -> Any:
        component = spec["components"][task["componentRef"]["name"]]
        return of(component["dag"]) if "dag" in component else task.get("inputs", {}).get("parameters", {})

    return of(spec["root"]["dag"])
