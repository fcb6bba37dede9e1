"""Every construct of the DSL: the tasks of a run are shown by the manifest's ids, each once and in its order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.kfpserver.runtree import View, of_records
from kfp_gitops.kfpserver.runtree.ids import Ids
from kfp_gitops.language.manifest import Condition, Guarded, Loop, Manifest, Node, Task, reader
from test_dsl import CASES, _rendered


def _written(nodes: Sequence[Node], inner: Mapping[str, Manifest]) -> Iterator[str]:
    """The ids as they stand in the text, branches by their words, what is in a nested pipeline after its task."""
    for node in nodes:
        yield node.id
        match node:
            case Condition(branches=branches) if len(branches) > 1:
                for index, branch in enumerate(branches):
                    word = "else" if branch.when is None else "elif" if index else "if"
                    yield branch.display_name or word
                    yield from _written(branch.body, inner)
            case Condition(branches=(branch,)):
                yield from _written(branch.body, inner)
            case Loop(body=body):
                yield from _written(body, inner)
            case Guarded(body=body, exit_task=exit_task):
                yield from _written(body, inner)
                yield from _written([exit_task], inner)
            case Task(kind="pipeline", name=name):
                yield from _written(inner[name].body, inner)


def _shown(views: Sequence[View]) -> Iterator[str]:
    for view in views:
        yield view.id
        yield from _shown(view.inside)


@pytest.mark.parametrize("case", CASES)
def test_the_ids_of_the_manifest_each_once_and_in_its_order(case: str) -> None:
    rendered = _rendered(case)
    manifest = reader.read(rendered.manifest, "pipeline.yaml")
    inner = {name: reader.read(text, f"{name}.yaml") for name, text in rendered.inner.items()}
    spec = ir.documents(compile_pipeline(rendered, "m").text)[0]
    views = of_records(spec, {}, [], "PENDING", Ids(manifest, inner, same=True))
    assert list(_shown(views)) == list(_written(manifest.body, inner))
