"""One service: which containers and which autoscaler its floors are for, in which form, and whether all of it fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from predictive_scaling.proposals import fit
from predictive_scaling.proposals.containers import by_container, mend_names
from predictive_scaling.proposals.forms import (
    MERGED,
    container_operations,
    least_slot,
    memory_slot,
    merge_patch,
    most_slot,
    pod_slot,
)
from predictive_scaling.proposals.ground import (
    HPA,
    SCALED_OBJECT,
    Amount,
    Autoscaler,
    Box,
    Ground,
    Range,
    Workload,
)
from predictive_scaling.proposals.quantity import mebibytes
from predictive_scaling.proposals.raising import Case, Draft, LeftOutError, Wanted, settle
from predictive_scaling.proposals.tree import Patch, Slot, of, patches, stands
from predictive_scaling.proposals.vertical import acting, raise_policies, vpa_patches

_FILES = {HPA: "hpa.yaml", SCALED_OBJECT: "scaledobject.yaml"}
MEMORY, MAXIMUM = "memory.yaml", "maximum.yaml"


def raise_service(draft: Draft, case: Case, replicas: Mapping[fit.Key, int]) -> tuple[Workload, int]:
    """Raise a service's values in a draft; gives the workload and its least replicas as they become.

    Raises LeftOutError with every bound that it does not fit, InputError for values of the tree that are none.
    """
    workload = overlaid(draft, case)
    least = _raise_replicas(draft, case)
    memory = _raise_memory(draft, case, workload)
    if not draft.changes:
        return memory, least if least is not None else replicas.get(workload.key, 1)
    count = least if least is not None else replicas.get(workload.key, 1)
    ground = with_workload(case.ground, memory)
    rolls = memory != workload and case.wishes.form != "vpa"
    misfits = fit.memory_misfits(memory, ground) if memory != workload else []
    misfits += fit.quota_misfits(memory, {**replicas, workload.key: count}, ground, rolls=rolls)
    if misfits:
        raise LeftOutError(*misfits)
    if rolls and workload.recreate:
        draft.told.append(
            f"strategy Recreate ({workload.place}): none of its pods serves while this rolls out"
        )
    return memory, count


def with_workload(ground: Ground, workload: Workload) -> Ground:
    """The ground with a workload as it becomes."""
    return replace(
        ground, workloads=tuple(workload if each.key == workload.key else each for each in ground.workloads)
    )


def overlaid(draft: Draft, case: Case) -> Workload:
    """The workload with what the tree sets of its memory; the last patch counts."""
    workload = case.workload
    mine = of(case.known(workload.kind, workload.name), case.floor.service, patches(draft.files))
    boxes = tuple(_overlaid(mine, workload, box) for box in workload.boxes)
    pod = replace(
        workload.pod,
        memory=_last(mine, pod_slot(), workload.pod.memory),
        limit=_last(mine, pod_slot("limits"), workload.pod.limit),
    )
    return replace(workload, boxes=boxes, pod=pod)


def _overlaid(mine: list[Patch], workload: Workload, box: Box) -> Box:
    memory = _last(mine, memory_slot(workload, box.name), box.resources.memory)
    limit = _last(mine, memory_slot(workload, box.name, "limits"), box.resources.limit)
    return replace(box, resources=replace(box.resources, memory=memory, limit=limit))


def _last(mine: list[Patch], slot: Slot, base: Amount | None) -> Amount | None:
    found = stands(mine, slot)
    return found[-1].amount if found else base


def _raise_replicas(draft: Draft, case: Case) -> int | None:
    """The least replicas that stand then; None without an autoscaler."""
    workload, floor = case.workload, case.floor
    if len(workload.scalers) > 1:
        listed = ", ".join(f"{each.kind} {each.name} ({each.place})" for each in workload.scalers)
        raise LeftOutError(f"{listed} scale it: none of them acts; keep one")
    if not workload.scalers:
        if floor.replicas is not None:
            draft.told.append(
                f"no HPA or ScaledObject scales it: {floor.replicas} replicas are laid over nothing"
            )
        return None
    scaler = workload.scalers[0]
    found = settle(draft, case, _least(case, scaler))
    _check_most(draft, case, scaler, found)
    return int(found.value) if found else scaler.unsaid


def _least(case: Case, scaler: Autoscaler) -> Wanted:
    floor = case.floor.replicas
    base = scaler.least or Amount(
        Fraction(scaler.unsaid), str(scaler.unsaid), f"{scaler.place}, where none is said"
    )
    slot = least_slot(scaler)
    return Wanted(
        slot,
        case.known(scaler.kind, scaler.name),
        base,
        None if floor is None else Fraction(floor),
        lambda value: str(int(value)),
        case.floor.run,
        _FILES[scaler.kind],
        lambda value: merge_patch(scaler.kind, scaler.api, scaler.name, slot, value),
        lambda each: each.replicas,
    )


def _most(case: Case, scaler: Autoscaler) -> Wanted:
    """What some hour wants, in a patch of its own: it costs what the floors do not."""
    slot = most_slot(scaler)
    return Wanted(
        slot,
        case.known(scaler.kind, scaler.name),
        scaler.most,
        None if case.floor.wanted is None else Fraction(case.floor.wanted),
        lambda value: str(int(value)),
        case.floor.run,
        MAXIMUM,
        lambda value: merge_patch(scaler.kind, scaler.api, scaler.name, slot, value),
        lambda each: each.wanted,
    )


def _check_most(draft: Draft, case: Case, scaler: Autoscaler, least: Amount | None) -> None:
    mine = of(case.known(scaler.kind, scaler.name), case.floor.service, patches(draft.files))
    most = _last(mine, most_slot(scaler), scaler.most)
    if most is None:
        return
    if case.wishes.raise_maximum and case.floor.wanted:
        most = settle(draft, case, _most(case, scaler)) or most
    if least and least.value > most.value and draft.changes:
        raise LeftOutError(
            f"{least.text} replicas are above its maximum {most.text} ({most.place}); raise that first"
        )
    if case.floor.wanted and case.floor.wanted > most.value:
        draft.told.append(
            f"some hour wants {case.floor.wanted} replicas; its maximum is {most.text} ({most.place}; --raise-maximum)"
        )


def _raise_memory(draft: Draft, case: Case, workload: Workload) -> Workload:
    form = case.wishes.form
    mend_names(draft, case)
    if form == "vpa":
        return raise_policies(draft, case, workload, by_container(case.floor, workload))
    before = len(draft.changes)
    result = _raise_pod(draft, case, workload) if form == "pod" else _raise_boxes(draft, case, workload)
    if len(draft.changes) > before:
        _check_vertical(draft, case)
    return result


def _check_vertical(draft: Draft, case: Case) -> None:
    for each in case.workload.vpas:
        if acting(each):
            raise LeftOutError(
                f"VPA {each.name} ({each.place}) sets its memory, whatever the template asks: --form vpa"
            )
    if found := vpa_patches(draft, case):
        raise LeftOutError(
            f"{found[0]} sets its memory: go on with --form vpa, or delete that file and its entry"
        )


def _raise_boxes(draft: Draft, case: Case, workload: Workload) -> Workload:
    wanted = by_container(case.floor, workload)
    ranges = fit.ranges_of(case.ground, workload)
    for box in case.workload.boxes:
        found = settle(draft, case, _box(case, box, fit.asked(box, ranges), wanted.get(box.name)))
        own = workload.box(box.name)
        if own and found and (own.resources.memory is None or found.value != own.resources.memory.value):
            base = fit.asked(own, ranges)
            if base is None or base.value != found.value:
                workload = workload.with_box(replace(own, resources=replace(own.resources, memory=found)))
    return workload


def _box(case: Case, box: Box, base: Amount | None, floor: float | None) -> Wanted:
    workload = case.workload
    slot = memory_slot(workload, box.name)

    def create(value: str) -> str:
        if workload.kind in MERGED:
            return merge_patch(workload.kind, workload.api, workload.name, slot, value)
        return container_operations(workload, box.name, value)

    return Wanted(
        slot,
        case.known(workload.kind, workload.name),
        base,
        None if floor is None else Fraction(floor),
        mebibytes,
        case.floor.memory_run,
        MEMORY,
        create,
        lambda each: each.memory.get(box.name, each.memory.get("")),
    )


def _raise_pod(draft: Draft, case: Case, workload: Workload) -> Workload:
    """Pod-level requests: at least what the containers ask for, with the floors in place of what is lower."""
    wanted, ranges = by_container(case.floor, workload), fit.ranges_of(case.ground, workload)
    slot = pod_slot()

    def total(floor: Mapping[str, float]) -> Fraction:
        return sum((_higher(box, ranges, floor) for box in workload.boxes), Fraction(0))

    base = case.workload.pod.memory or case.workload.pod.limit
    found = settle(
        draft,
        case,
        Wanted(
            slot,
            case.known(workload.kind, workload.name),
            base,
            total(wanted) if wanted else None,
            mebibytes,
            case.floor.memory_run,
            MEMORY,
            lambda value: merge_patch(workload.kind, workload.api, workload.name, slot, value),
            lambda each: float(total(by_container(each, workload))) if each.memory else None,
        ),
    )
    same = workload.pod.memory == found or (found and base and found.value == base.value)
    return workload if same else replace(workload, pod=replace(workload.pod, memory=found))


def _higher(box: Box, ranges: Iterable[Range], floor: Mapping[str, float]) -> Fraction:
    stands_ = fit.asked(box, ranges)
    return max(stands_.value if stands_ else Fraction(0), Fraction(floor.get(box.name, 0)))
