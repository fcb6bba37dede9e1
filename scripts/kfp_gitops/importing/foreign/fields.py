"""Each field of a file that has no counterpart here, told at its line with what there is instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path

TAKEN = ""
"""The reason of a field that is taken over, or that says nothing of the pipeline."""
Reasons = Mapping[tuple[str, ...], str]
"""Path of a field (`*`: each item of a list) → what there is instead."""
_UNKNOWN = "it is no field that this command knows; look whether it still means something"
_BOOKKEEPING = (
    "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "finalizers",
    "ownerReferences", "selfLink", "name", "generateName",
)  # fmt: skip
KUBERNETES: Reasons = {
    ("apiVersion",): TAKEN,
    ("kind",): TAKEN,
    ("status",): TAKEN,
    **{("metadata", name): TAKEN for name in _BOOKKEEPING},
    (
        "metadata",
        "namespace",
    ): "the namespace of the runs is `kfp.namespace` in environments/base.yaml or ENV/values.yaml",
    (
        "metadata",
        "labels",
    ): "nothing here is labelled: say it in `metadata.description` or by `metadata.owner`",
    ("metadata", "annotations"): "nothing here is annotated: say it in `metadata.description`",
}
"""Fields of every Kubernetes object."""


def untold(document: Document, at: Path, reasons: Reasons) -> Iterator[Problem]:
    """The fields below a path that are not taken over; reasons are by the path below it."""
    value = document.value
    for step in at:
        value = value[step]
    yield from _below(document, at, (), value, reasons)


def _below(
    document: Document, at: Path, path: tuple[str, ...], value: Any, reasons: Reasons
) -> Iterator[Problem]:
    for step, key, item in _items(value):
        here, inner = (*path, step), (*at, key)
        if here in reasons:
            if reasons[here] and item not in (None, [], {}, ""):
                yield document.problem(
                    inner, f"{document.name(inner)} is not taken over", reasons[here], key=True
                )
        elif any(one[: len(here)] == here for one in reasons):
            yield from _below(document, inner, here, item, reasons)
        else:
            yield document.problem(inner, f"{document.name(inner)} is not taken over", _UNKNOWN, key=True)


def _items(value: Any) -> Iterator[tuple[str, str | int, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(key), str(key), item) for key, item in value.items())
    elif isinstance(value, list):
        yield from (("*", number, item) for number, item in enumerate(value))
