"""The folder of a template, or of a release's pinned copy, as texts: what belongs there, and what does not."""

from __future__ import annotations

from collections.abc import Sequence

from kfp_gitops.base.errors import Problem, raise_if_any
from kfp_gitops.base.places import Tree
from kfp_gitops.sources import compiledfrom
from kfp_gitops.sources.compiledfrom import PIPELINE_IR, PIPELINE_SOURCE

TEMPLATE = "pipeline.yaml.j2"
VALUES_SCHEMA = "values.schema.json"
# An editor's backup beside the template would change the release's identity, and travel with it.
_PARTS = (".j2", ".yaml", ".yml", VALUES_SCHEMA)
_PYTHON = (".py", ".pyc")


def plain_text(tree: Tree, path: str) -> str:
    """A file of the sources, without what a compiled one says of those that it is from."""
    return compiledfrom.plain(tree.read_text(path))


def read(tree: Tree, folder: str, *, with_sources: bool = False) -> dict[str, str]:
    """Its texts; `with_sources`: Python may stand there, which is no part of a release, but what it compiles to."""
    names, todo = tree.list_files(folder), "remove it"
    if with_sources and PIPELINE_SOURCE in names:
        read = _read_by_python(tree, folder, names)
        names = [name for name in names if not name.endswith(_PYTHON) and name not in read]
        todo = f"remove it, or compile the {PIPELINE_SOURCE} that reads it ({compiledfrom.TODO})"
    texts = {name: plain_text(tree, f"{folder}/{name}") for name in names}
    problems = [
        Problem(
            f"{folder}/{name}", 0, 0, "no such file", "a pipeline needs its template and its values schema"
        )
        for name in (TEMPLATE, VALUES_SCHEMA)
        if name not in texts
    ]
    problems += [
        Problem(
            f"{folder}/{name}",
            0,
            0,
            "no part of a pipeline, and would be released with it",
            f"{todo}; a pipeline has templates (*.j2), {VALUES_SCHEMA} and compiled pipelines (*.yaml)",
        )
        for name in texts
        if not name.endswith(_PARTS)
    ]
    raise_if_any(problems)
    return texts


def _read_by_python(tree: Tree, folder: str, names: Sequence[str]) -> set[str]:
    """The data beside a pipeline.py that was read when it was compiled; what has a meaning of its own stays."""
    if PIPELINE_IR not in names:
        return set()
    one = compiledfrom.pipeline(folder.rpartition("/")[2])
    found = compiledfrom.sources_of(one, tree.read_text(f"{folder}/{PIPELINE_IR}"))
    return {name for name in found if not name.endswith(_PARTS)}
