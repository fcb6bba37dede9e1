"""Steps and what was seen of them → how each of them stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from kfp_gitops.kfpserver.runtree.pods import Pod
from kfp_gitops.kfpserver.runtree.steps import Kind, Step, sorted_by_need

_NOT_RUN = "not run: "


@dataclass(frozen=True)
class Seen:
    """How a task stood in one place: in one iteration of the loops around it. `why` is for what is skipped or failed.

    `outputs` are what a local run tells that it gave.
    """

    state: str
    started: datetime | None = None
    ended: datetime | None = None
    retries: int = 0
    cached: bool = False
    why: str = ""
    outputs: Mapping[str, object] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    """Of a server's run, in the order of their tries."""


PENDING = Seen("PENDING")
SKIPPED = Seen("SKIPPED")


def unmet(step: Step) -> Seen:
    """A step whose condition decided against it; that of an else is that none before it holds."""
    if step.condition and all(part.startswith("!(") for part in step.condition.split(" && ")):
        return Seen("SKIPPED", why="another branch was taken")
    return Seen("SKIPPED", why=": ".join(["its condition was not met", *filter(None, [step.condition])]))


Body = TypeVar("Body")


@dataclass(frozen=True)
class Place(Generic[Body]):
    """Where tasks of one DAG are looked for; without a body all of them stand as `gone` says. `over`: it has ended."""

    body: Body | None
    over: bool = False
    gone: Seen = PENDING


@dataclass(frozen=True)
class Found(Generic[Body]):
    """What was seen of a step in a place: itself, the places inside it, and how its iterations stand."""

    seen: Seen
    inside: tuple[Place[Body], ...] = ()
    iterations: tuple[Seen, ...] | None = None


class Ground(Protocol[Body]):
    """Where to look for what happened."""

    def look(self, step: Step, body: Body) -> Found[Body] | None:
        """What is seen of a step; None when nothing is. A state of "" is a node that was left out."""


@dataclass(frozen=True)
class View:
    """A task or group as people see it: once, however often it ran.

    `done` of `total` are the runs that succeeded, where a loop makes several (`many`).
    """

    id: str
    kind: Kind
    state: str
    started: datetime | None
    ended: datetime | None
    done: int
    total: int
    many: bool
    failed: int
    skipped: int
    cached: int
    retries: int
    why: str
    seen: tuple[Seen, ...]
    inside: tuple[View, ...] = ()
    key: str = ""
    """What the IR calls it."""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it has not ended, or never began."""
        if self.started is None or self.ended is None or self.state == "SKIPPED":
            return None
        return (self.ended - self.started).total_seconds()


def fold(
    steps: Sequence[Step], places: Sequence[Place[Body]], ground: Ground[Body], many: bool = False
) -> tuple[View, ...]:
    """Every step once, in the order of `steps`."""
    rows: dict[str, list[Found[Body]]] = {}
    ids = {step.key: step.id for step in steps}
    for step in sorted_by_need(steps):
        rows[step.key] = [
            _found(step, place, {name: row[index].seen for name, row in rows.items()}, ids, ground)
            for index, place in enumerate(places)
        ]
    return tuple(_view(step, rows[step.key], ground, many) for step in steps)


def _found(
    step: Step, place: Place[Body], before: Mapping[str, Seen], ids: Mapping[str, str], ground: Ground[Body]
) -> Found[Body]:
    if place.body is None:
        return _absent(step, place.gone)
    found = ground.look(step, place.body)
    if found is not None and found.seen.state:
        return found
    if found is None and not place.over and not _blame(step, before, ids):
        return _absent(step, PENDING)
    return _absent(step, Seen("SKIPPED", why=_NOT_RUN + (_blame(step, before, ids) or "the run ended first")))


def _absent(step: Step, seen: Seen) -> Found[Body]:
    inner = SKIPPED if seen.state == "SKIPPED" else seen
    places = () if not step.inside else (Place[Body](None, gone=inner),) * max(1, step.items or 1)
    return Found(seen, places, (inner,) * (step.items or 0) if step.kind == "loop" else None)


def _blame(step: Step, before: Mapping[str, Seen], ids: Mapping[str, str]) -> str:
    """The task because of which a step does not run, and what became of it."""
    for name in step.after if not step.at_end else ():
        seen = before.get(name)
        if seen is not None and seen.state == "FAILED":
            return f"{ids[name]} failed"
        if seen is not None and seen.state == "SKIPPED":
            return f"{ids[name]} {'did not run' if seen.why.startswith(_NOT_RUN) else 'was skipped'}"
    return ""


def _view(step: Step, row: Sequence[Found[Body]], ground: Ground[Body], many: bool) -> View:
    seen = [found.seen for found in row]
    loop = step.kind == "loop"
    counted = [one for found in row for one in found.iterations or ()] if loop else seen
    states = Counter(one.state for one in counted)
    state = together([one.state for one in seen])
    inside = fold(step.inside, [place for found in row for place in found.inside], ground, many or loop)
    return View(
        id=step.id,
        kind=step.kind,
        state=state,
        started=min((one.started for one in seen if one.started), default=None),
        ended=_ended(seen),
        done=states["SUCCEEDED"],
        total=len(counted),
        many=many or loop,
        failed=states["FAILED"],
        skipped=states["SKIPPED"],
        cached=sum(one.cached for one in counted),
        retries=sum(one.retries for one in counted),
        why=_why(step, seen, state, len(counted)),
        seen=tuple(counted),
        inside=inside,
        key=step.key,
    )


def _ended(seen: Sequence[Seen]) -> datetime | None:
    """When the last of it ended; not before all that began has."""
    begun = [one for one in seen if one.started]
    if any(one.ended is None for one in begun):
        return None
    return max((one.ended for one in begun if one.ended), default=None)


def together(states: Sequence[str]) -> str:
    """One word for several runs of the same task; nothing at all is SKIPPED."""
    found = set(states)
    for active in ("RUNNING", "CANCELING", "PAUSED"):
        if active in found:
            return active
    if "PENDING" in found:
        return "PENDING" if found == {"PENDING"} else "RUNNING"
    for state in ("FAILED", "CANCELED", "SUCCEEDED"):
        if state in found:
            return state
    return next(iter(sorted(found - {"SKIPPED"})), "SKIPPED")


def _why(step: Step, seen: Sequence[Seen], state: str, total: int) -> str:
    """Why it failed, is skipped or runs again, if that is known; what is inside of a group need not say it again."""
    if step.kind == "loop" and seen and not total and state == "SUCCEEDED":
        return "no items"
    said = dict.fromkeys(one.why for one in seen if one.why and one.state == state)
    return "; ".join(said) if state in ("FAILED", "SKIPPED", "RUNNING") else ""
