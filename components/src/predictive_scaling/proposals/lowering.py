"""When a value may be lowered: what the recommendations of the past say, all of them within the hold-off.

A value is lowered only where people allow it, only what this command set and nobody changed, never below the base, and
only to the highest floor of the hold-off. Every recommendation within it must be lower by the threshold at least, the
past must reach back over all of it, and no gap between two may be longer than a quarter of it: a pipeline that stood
still shows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.documents import Document, parse_object
from predictive_scaling.base.errors import InputError
from predictive_scaling.proposals.floors import Floor, floors, namespace
from predictive_scaling.proposals.settings import Wishes
from predictive_scaling.store.registry import Registry
from predictive_scaling.store.retention import RECOMMENDATIONS


@dataclass(frozen=True)
class Past:
    """A recommendation of the past: when it was made, and its floors by service."""

    at: datetime
    floors: dict[str, Floor]


def history(registry: Registry, document: Document) -> list[Past]:
    """The recommendations that a registry keeps of this one's namespace and before it, itself included, by time.

    What cannot be read is none: it shows nothing, and its gap counts. Raises RegistryError.
    """
    found = [document]
    for each in registry.objects_under(RECOMMENDATIONS):
        try:
            found.append(parse_object(registry.get(each.key), each.key))
        except InputError:
            continue
    return pasts(found, document)


def pasts(found: Iterable[Document], document: Document) -> list[Past]:
    """Those of the document's namespace, none later than it, by time."""
    result = {
        past.at: past for each in found if (past := _past(each)) and namespace(each) == namespace(document)
    }
    last = parse_instant(str(document["generated_at"]))
    return [result[at] for at in sorted(result) if at <= last]


def _past(document: Document) -> Past | None:
    try:
        at = parse_instant(str(document["generated_at"]))
        return Past(at, {each.service: each for each in floors(document)})
    except (InputError, KeyError, ValueError):
        return None


def lowest_allowed(
    past: Sequence[Past], service: str, value: Callable[[Floor], float | None], stands: float, wishes: Wishes
) -> float | None:
    """What a value may be lowered to; None where it may not be."""
    if wishes.allow_lower is None or not past:
        return None
    begin = past[-1].at - wishes.hold_off
    shown = [
        (each.at, found) for each in past if service in each.floors and (found := value(each.floors[service]))
    ]
    within = [(at, found) for at, found in shown if at >= begin]
    if not any(at <= begin for at, _ in shown) or not within or within[-1][0] != past[-1].at:
        return None
    before = max(at for at, _ in shown if at <= begin)
    times = [max(before, begin), *(at for at, _ in within)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    highest = max(found for _, found in within)
    if any(gap > wishes.hold_off / 4 for gap in gaps) or highest > stands * (1 - wishes.allow_lower):
        return None
    return highest
