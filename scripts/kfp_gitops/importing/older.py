"""In which older forms a compiled file has its settings, and what a manifest says for numbers that were texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kfp_gitops.compiling.compiler import older, surfaced
from kfp_gitops.compiling.compiler.sdk import compiler_utils
from kfp_gitops.importing.source import UnsaidError
from kfp_gitops.language.manifest.model import OlderForm

_UNITS = ("Ti", "Gi", "Mi", "T", "G", "M", "Ki", "K")
_BYTES = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_GB = 1e9


def forms(documents: list[dict[str, Any]]) -> list[OlderForm]:
    """The forms of a file; of one that has two forms of the same, the older: the proof then tells the rest."""
    return list(dict.fromkeys(_found(documents)))


def _found(documents: list[dict[str, Any]]) -> Iterator[OlderForm]:
    if any(older.NAMED[kind] not in one for kind, one in older.items(documents, older.NAMED)):
        yield "names"
    if any("optional" not in one for _, one in older.items(documents, older.ENVIRONMENT)):
        yield "environment"
    if any("optional" not in one for _, one in older.items(documents, older.VOLUMES)):
        yield "volumes"
    if has_metrics(documents[0]):
        yield "metrics"
    if any("isOptional" not in one for one in older.defaults(documents)):
        yield "defaults"
    for asked in older.resources(documents):
        device = asked.get("accelerator", {})
        for part, pairs in ((asked, older.NUMBERS), (device, older.DEVICES)):
            if any(old in part and new not in part for old, new in pairs.items()):
                yield "resources"


def has_metrics(spec: Mapping[str, Any]) -> bool:
    """Whether the metrics of all tasks are outputs of all that is around them."""
    wanted = surfaced.expected(spec)
    return bool(wanted) and all(
        outputs.keys() <= _handed_out(spec, component) for component, outputs in wanted.items()
    )


def _handed_out(spec: Mapping[str, Any], component: str) -> set[str]:
    node = spec.get("components", {}).get(component, {}) if component else spec["root"]
    return set(node.get("dag", {}).get("outputs", {}).get("artifacts", {}))


def written(spec: Mapping[str, Any], component: str, names: Iterable[str]) -> list[str]:
    """Of the outputs of a pipeline those that somebody wrote."""
    made = surfaced.expected(spec).get(component, {}) if has_metrics(spec) else {}
    return [name for name in names if name not in made]


def cpu(number: float) -> str:
    """Cores as a text, of which the SDK makes this very number.

    Raises:
        UnsaidError: there is none.
    """
    return _text(
        (f"{number:g}", f"{round(number * 1000)}m", repr(float(number))), number, compiler_utils._cpu_to_float
    )


def memory(number: float) -> str:
    """GB as a text with a unit, likewise: the shortest.

    Raises:
        UnsaidError: there is none.
    """
    sizes = {unit: round(number * _GB / _BYTES[unit]) for unit in _UNITS}
    texts = [f"{size}{unit}" for unit, size in sizes.items() if size]
    return _text(sorted(texts, key=len), number, compiler_utils._memory_to_float)


def _text(texts: Any, number: float, read: Any) -> str:
    for text in texts:
        if read(text) == number:
            return str(text)
    raise UnsaidError(f"the amount {number}, which no text means to kfp")
