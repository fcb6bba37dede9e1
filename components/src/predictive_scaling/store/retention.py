"""Keeping the newest runs, one of each day before, and what they and the release in force refer to; deleting the rest.

Mark and sweep over the registry: runs and their proposals by the instant in their folder's name; models,
recommendations and kept usage by reference. What was written within the last day stays in any case, for a run that is
publishing now has not pointed to it yet.
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
PROPOSALS = "proposals"


@dataclass(frozen=True)
class Swept:
    """Numbers of runs and of other objects that were deleted."""

    runs: int
    objects: int


def sweep(registry: Registry, keep_runs: int, now: datetime, keep_days: int = 0) -> Swept:
    """Delete runs, and models, recommendations and kept usage that nothing kept refers to.

    Of runs the newest `keep_runs` stay, and of each of the last `keep_days` days its newest. Raises RegistryError;
    InputError for `keep_runs` below 1 and for a pointer or metadata that cannot be read: then nothing is deleted, since
    what it refers to is not known.
    """
    if keep_runs < 1 or keep_days < 0:
        raise InputError(
            f"keep_runs is {keep_runs} and keep_days {keep_days}; at least 1 run is kept, and 0 days"
        )
    stored = registry.objects_under(RUNS)
    runs = sorted({_run(each) for each in stored})
    kept = sorted({*runs[-keep_runs:], *_of_days(runs, now - timedelta(days=keep_days))})
    wanted = referenced(registry, kept, {each.key for each in stored})
    old = [run for run in runs if run not in set(kept)]
    aged = [run for run in old if all(now - each.modified > MIN_AGE for each in stored if _run(each) == run)]
    for run in aged:
        registry.delete_under(f"{RUNS}/{run}")
    unreferenced = [each for each in _aged(registry, now) if each.key not in wanted]
    unreferenced += [*_outlived(registry, now), *_of_other_runs(registry, set(kept), now)]
    for each in unreferenced:
        registry.delete(each.key)
    return Swept(len(aged), len(unreferenced))


def _of_days(runs: list[str], since: datetime) -> set[str]:
    """The newest run of each day (UTC) after an instant; names begin with their instant and are in order."""
    return set({run[:8]: run for run in runs if run[:15] > f"{since:%Y%m%dT%H%M%S}"}.values())


def _of_other_runs(registry: Registry, kept: set[str], now: datetime) -> list[Stored]:
    """Proposals of runs that are not kept; the newest proposal stays, for its run may keep no archive."""
    stored = registry.objects_under(PROPOSALS)
    newest = max((_run(each) for each in stored), default="")
    return [each for each in stored if now - each.modified > MIN_AGE and _run(each) not in {*kept, newest}]


def _outlived(registry: Registry, now: datetime) -> list[Stored]:
    """Kept usage that nothing names. Where nothing is there that names any, the next run asks for everything."""
    try:
        named = registry.get(KEPT).decode(errors="replace")
    except MissingObjectError:
        named = ""
    found = [each for each in registry.objects_under(USAGE) if now - each.modified > MIN_AGE]
    return [each for each in found if each.key != KEPT and each.key.split("/")[-1][:64] not in named]


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
