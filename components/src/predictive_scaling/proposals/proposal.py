"""The whole proposal: each service by itself, what does not fit left out, what left taken out. Pure.

[<namespace>/]<service>/hpa.yaml, scaledobject.yaml   least replicas: what even the quietest block of the day needs
[<namespace>/]<service>/memory.yaml, vpa.yaml         memory requests of its containers, or what a VPA gives at least
kustomization.yaml                                    a component that lists them with their targets

Every value is the highest of what is rendered, what stands in the tree, and the floor. Nothing depends on when it is
made, so equal recommendations give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from predictive_scaling.base.clock import iso
from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError
from predictive_scaling.proposals.editing import UnwritableError
from predictive_scaling.proposals.fit import Key
from predictive_scaling.proposals.floors import Floor, floors, namespace
from predictive_scaling.proposals.forms import Change
from predictive_scaling.proposals.ground import Ground, Workload
from predictive_scaling.proposals.kustomization import EMPTY, Target, with_entries, with_resources
from predictive_scaling.proposals.leaving import Here, tidied
from predictive_scaling.proposals.lowering import Past
from predictive_scaling.proposals.placing import NOWHERE, Placing
from predictive_scaling.proposals.quantity import parse
from predictive_scaling.proposals.raising import Case, Draft, LeftOutError
from predictive_scaling.proposals.services import raise_service, with_workload
from predictive_scaling.proposals.settings import FILE, Settings, settings
from predictive_scaling.proposals.tree import Files, check, kustomization_of


@dataclass(frozen=True)
class Proposal:
    """The tree as it becomes, and what is to be told: changes and remarks, and what was left out."""

    files: Files
    lines: tuple[str, ...]
    left_out: tuple[str, ...]
    changed: tuple[str, ...] = ()
    """Services whose values change, for what tries them on a cluster."""


@dataclass(frozen=True)
class Over:
    """What a proposal is laid over: what stands, how the tree is laid, and which recommendations there were."""

    ground: Ground
    placing: Placing = NOWHERE
    past: Sequence[Past] = ()
    namespace: str = ""
    """Chosen by a person; empty: the recommendation's own."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Services that a cluster refused, and what it said."""


def proposal(
    document: Document, files: Files, over: Over, given: Mapping[str, str] | None = None
) -> Proposal:
    """What to make of a tree. Raises InputError for a document, a tree or settings that cannot be read."""
    check(files)
    wishes = settings(files.get(FILE, ""), given or {})
    space = over.namespace or namespace(document)
    _check_namespace(space, over)
    all_floors = sorted(floors(document), key=lambda each: each.service)
    state = _State(dict(files), over.ground, _replicas(over.ground))
    for floor in all_floors:
        _propose(state, floor, over, wishes, space)
    state.lines += _short_past(over.past, wishes)
    _list(state)
    known = {each.service: _found(each, over, space) for each in all_floors}
    gone = tidied(state.files, Here(over.ground, over.placing, space, known))
    return Proposal(
        gone.files, (*state.lines, *gone.lines), (*state.left_out, *gone.left_out), tuple(state.changed)
    )


@dataclass
class _State:
    """What becomes of the tree and of what it is laid over, service by service."""

    files: dict[str, str]
    ground: Ground
    replicas: dict[Key, int]
    pending: dict[str, Target | None] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


def _list(state: _State) -> None:
    """All new files at once: a kustomization grows long, and is read anew after each change."""
    name = kustomization_of(state.files)
    patches = {path: target for path, target in state.pending.items() if target}
    try:
        text = with_entries(name, state.files.get(name, EMPTY), patches)
        state.files[name] = with_resources(
            name, text, [each for each in state.pending if each not in patches]
        )
    except UnwritableError as error:
        state.left_out.append(f"left in {error}: {', '.join(state.pending)}")
        state.files.setdefault(name, EMPTY)


def _short_past(past: Sequence[Past], wishes: Settings) -> list[str]:
    """What to tell where values may be lowered, but the past is too short to show that they are too high."""
    holds = [
        each.hold_off for each in (wishes.all, *wishes.services.values()) if each.allow_lower is not None
    ]
    if not holds:
        return []
    if not past:
        return ["note: allowLower needs --registry: nothing is lowered without recommendations of the past"]
    if past[0].at > past[-1].at - max(holds):
        first = iso(past[0].at)
        return [
            f"note: recommendations in the registry reach back to {first} only; holdOff asks for {max(holds).days} "
            "days: keep more of them (keep_days)"
        ]
    return []


def _check_namespace(space: str, over: Over) -> None:
    laid = over.placing.namespace
    if laid and space and laid != space:
        raise InputError(
            f"the recommendation is of namespace {space}, and the tree is laid where namespace is {laid}; "
            "give each namespace a tree of its own"
        )


def _propose(state: _State, floor: Floor, over: Over, wishes: Settings, space: str) -> None:
    place = f"{space}/{floor.service}" if space else floor.service
    try:
        if floor.service in over.refused:
            raise LeftOutError(over.refused[floor.service])
        workload = _one(_found(floor, over, space), floor)
        place = f"{workload.namespace}/{floor.service}" if workload.namespace else place
        case = Case(floor, workload, state.ground, wishes.of(floor.service), over.placing, over.past, space)
        draft = Draft(dict(state.files), dict(state.pending))
        after, count = raise_service(draft, case, state.replicas)
    except LeftOutError as error:
        state.left_out += [f"left out {place}: {each}" for each in error.reasons]
        return
    state.files, state.pending = draft.files, draft.pending
    state.ground = with_workload(state.ground, after)
    state.replicas[workload.key] = count
    state.lines += [_line(place, each) for each in draft.changes]
    state.lines += [f"note {place}: {each}" for each in draft.told]
    state.changed += [floor.service] if draft.changes else []


def _line(place: str, change: Change) -> str:
    before, after = parse(change.before), parse(change.after)
    lowered = before is not None and after is not None and after < before
    run = f" (run {change.run})" if change.run else " (as in the base)"
    return (
        f"{'lowered' if lowered else 'raised'} {place} {change.label} {change.before} → {change.after}{run}"
    )


def _found(floor: Floor, over: Over, space: str) -> list[Workload]:
    """The workloads that may be the service's: by name, as rendered or as it is before names are set around it."""
    named = [
        each for each in over.ground.workloads if floor.service in {each.name, over.placing.after(each.name)}
    ]
    named = [each for each in named if not floor.kind or each.kind == floor.kind]
    exact = [each for each in named if each.namespace == space]
    return exact or [
        each for each in named if not space or not each.namespace or over.placing.namespace == space
    ]


def _one(found: list[Workload], floor: Floor) -> Workload:
    if not found:
        what = floor.kind or "workload"
        raise LeftOutError(
            f"no {what} {floor.service} is rendered: is --over of this namespace and this tree?"
        )
    if len(found) > 1:
        listed = ", ".join(
            f"{each.kind} {each.namespace or '-'}/{each.name} ({each.place})" for each in found
        )
        how = "services" if len({each.kind for each in found}) > 1 else "--namespace"
        raise LeftOutError(f"{listed} may all be it; say which with {how}")
    return found[0]


def _replicas(ground: Ground) -> dict[Key, int]:
    """The least replicas of every workload as rendered."""
    return {key: count for each in ground.workloads for key, count in _counted(each)}


def _counted(workload: Workload) -> Iterator[tuple[Key, int]]:
    scaler = workload.scalers[0] if workload.scalers else None
    if scaler:
        yield workload.key, int(scaler.least.value) if scaler.least else scaler.unsaid
    else:
        yield workload.key, int(workload.replicas.value) if workload.replicas else 1
