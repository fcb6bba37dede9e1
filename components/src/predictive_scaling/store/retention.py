"""Keeping the newest runs and what they and the release in force refer to; deleting the rest.

Mark and sweep over the registry: runs by the instant in their folder's name; models and recommendations by reference.
What was written within the last day stays in any case, for a run that is publishing now has not pointed to it yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from predictive_scaling.base.documents import Document, parse_object
from predictive_scaling.base.errors import InputError, MissingObjectError
from predictive_scaling.store.registry import CURRENT, Registry, Stored

MIN_AGE = timedelta(days=1)
RUNS, MODELS, RECOMMENDATIONS = "runs", "models", "recommendations"
METADATA = "metadata.json"
USAGE, KEPT = "usage", "usage/kept.json"


@dataclass(frozen=True)
class Swept:
    """Numbers of runs and of other objects that were deleted."""

    runs: int
    objects: int


def sweep(registry: Registry, keep_runs: int, now: datetime) -> Swept:
    """Delete all but the newest `keep_runs` runs, and models and recommendations that nothing kept refers to.

    Raises RegistryError; InputError for `keep_runs` below 1 and for a pointer or metadata that cannot be read: then
    nothing is deleted, since what it refers to is not known.
    """
    if keep_runs < 1:
        raise InputError(f"keep_runs is {keep_runs}; it must be at least 1")
    stored = registry.objects_under(RUNS)
    runs = sorted({_run(each) for each in stored})
    kept, old = runs[-keep_runs:], runs[:-keep_runs]
    wanted = referenced(registry, kept, {each.key for each in stored})
    aged = [run for run in old if all(now - each.modified > MIN_AGE for each in stored if _run(each) == run)]
    for run in aged:
        registry.delete_under(f"{RUNS}/{run}")
    unreferenced = [each for each in _aged(registry, now) if each.key not in wanted]
    for each in unreferenced:
        registry.delete(each.key)
    return Swept(len(aged), len(unreferenced))


def _run(stored: Stored) -> str:
    return stored.key.split("/")[1]


def _aged(registry: Registry, now: datetime) -> list[Stored]:
    found = [*registry.objects_under(MODELS), *registry.objects_under(RECOMMENDATIONS)]
    return [each for each in found if now - each.modified > MIN_AGE]


def referenced(registry: Registry, runs: list[str], keys: set[str]) -> set[str]:
    """Keys that the pointer and the metadata of these runs refer to."""
    documents = [f"{RUNS}/{run}/{METADATA}" for run in runs]
    found = {key for name in documents if name in keys for key in _keys(_read(registry, name))}
    try:
        return found | set(_keys(_read(registry, CURRENT)))
    except MissingObjectError:
        return found


def _read(registry: Registry, key: str) -> Document:
    return parse_object(registry.get(key), key)


def _keys(pointer: Document) -> Iterator[str]:
    """Keys in a pointer, or in metadata, which holds the same; an unknown form is an InputError."""
    try:
        yield str(pointer["recommendation"])
        for models in pointer["models"].values():
            yield from map(str, models.values())
    except (KeyError, AttributeError) as error:
        raise InputError("a pointer in the registry cannot be read; nothing is deleted") from error
