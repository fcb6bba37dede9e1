"""Whether people may register copies of an environment's pipelines beside them (`asides`), and what marks those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document

KEY = "asides"
BETWEEN = "-as-"
"""Between an environment and a name in what such copies are marked with."""


def allowed(values: Mapping[str, Any]) -> bool:
    """Whether an environment of these values lets people register copies of its pipelines."""
    return bool(values.get(KEY) == "allowed")


def problems(name: str, known: Sequence[str], base: Document, over: Document) -> Iterator[Problem]:
    """Everything that is wrong with what an environment says of it; both documents are maps."""
    if KEY in base.value:
        what = "this would hold for every environment, also for one that is added later"
        todo = f"write it into the environments/ENV/values.yaml of each that allows it: {KEY}: allowed"
        yield base.problem((KEY,), what, todo, key=True)
    of, between, whose = name.rpartition(BETWEEN)
    if between and whose and of in known:
        what = f"what people register beside {of} with `--as {whose}` is marked as of an environment {name}"
        yield over.problem((), f"{what}, and taken down by that", f"rename environments/{name}/")
