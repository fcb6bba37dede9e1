"""Which containers memory floors are for: those of the rendered workload, never one that a patch would add."""

from __future__ import annotations

from fractions import Fraction

from predictive_scaling.proposals.editing import UnwritableError, quoted, with_value
from predictive_scaling.proposals.floors import Floor
from predictive_scaling.proposals.ground import Workload
from predictive_scaling.proposals.raising import Case, Draft, LeftOutError
from predictive_scaling.proposals.tree import follow, of, patches

_CONTAINERS = ("spec", "template", "spec", "containers")


def main_of(workload: Workload) -> str:
    """The container that a recommendation is of that does not say. Raises LeftOutError where it is not sure."""
    boxes = [each for each in workload.boxes if not each.sidecar]
    if workload.box(workload.main):
        return workload.main
    heaviest = sorted(boxes, key=lambda each: each.asked.value if each.asked else Fraction(0), reverse=True)
    weights = [each.asked.value if each.asked else Fraction(0) for each in heaviest]
    if len(heaviest) == 1 or (len(heaviest) > 1 and weights[0] > weights[1]):
        return heaviest[0].name
    names = ", ".join(each.name for each in boxes) or "none"
    raise LeftOutError(
        f"which of its containers ({names}; {workload.place}) the memory is of is not said; give its container under "
        "services, or annotate its pods with kubectl.kubernetes.io/default-container"
    )


def by_container(floor: Floor, workload: Workload) -> dict[str, float]:
    """The memory floors by the names of containers that are there. Raises LeftOutError where the main one is not.

    Others may be missing: the cluster's webhooks add containers that nobody renders.
    """
    found = {name or main_of(workload): value for name, value in floor.memory.items()}
    there = {name: value for name, value in found.items() if workload.box(name)}
    missing = floor.main if floor.main and floor.main not in there and floor.memory else ""
    if missing or (found and not there):
        names = ", ".join(each.name for each in workload.boxes) or "none"
        what = missing or ", ".join(found)
        raise LeftOutError(
            f"{workload.kind} {workload.name} ({workload.place}) has no container {what}, but {names}"
        )
    return there


def mend_names(draft: Draft, case: Case) -> None:
    """A container of ours that the workload does not have would be added, without an image: it is the main one."""
    workload = case.workload
    mine = of(case.known(workload.kind, workload.name), case.floor.service, patches(draft.files))
    for patch in [each for each in mine if each.generated]:
        for at, document in enumerate(patch.documents()):
            found = follow(document, _CONTAINERS)
            listed = found.items() if found else []
            for index, each in enumerate(listed):
                if not workload.box(each.said("name")) and not each.at("image"):
                    _rename(draft, case, patch.file, at, index, [one.said("name") for one in listed])


def _rename(draft: Draft, case: Case, file: str, document: int, index: int, names: list[str]) -> None:
    workload = case.workload
    main = case.floor.main if workload.box(case.floor.main) else main_of(workload)
    if main in names:
        raise LeftOutError(
            f"{file}: {workload.kind} {workload.name} ({workload.place}) has no container {names[index]}"
        )
    try:
        steps = (*_CONTAINERS, index, "name")
        draft.files[file] = with_value(file, draft.files[file], steps, quoted(main), document)
    except UnwritableError as error:
        raise LeftOutError(str(error)) from error
    draft.told.append(f"{file}: container {names[index]} is {main} ({workload.place})")
