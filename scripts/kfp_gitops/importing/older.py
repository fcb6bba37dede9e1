"""In which older forms a compiled file has its settings, and what a manifest says for numbers that were texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfp_gitops.compiling.compiler import older
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
    for asked in older.resources(documents):
        device = asked.get("accelerator", {})
        for part, pairs in ((asked, older.NUMBERS), (device, older.DEVICES)):
            if any(old in part and new not in part for old, new in pairs.items()):
                yield "resources"


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
