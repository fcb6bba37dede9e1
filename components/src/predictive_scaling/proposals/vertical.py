"""The form without a restart: the least memory that a VerticalPodAutoscaler may give (`minAllowed`).

Seen with VPA 1.8.1: in mode InPlaceOrRecreate pods keep running and new ones are born with it. The floor must fit the
limit (which follows in the template's ratio, unless controlledValues is RequestsOnly), LimitRange, quota, node and
maxAllowed, or pods are evicted and the new ones never come. With the VPA's webhook down the floor is void, in silence.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from predictive_scaling.proposals import fit
from predictive_scaling.proposals.editing import Step, with_value
from predictive_scaling.proposals.forms import memory_slot, new_vpa
from predictive_scaling.proposals.ground import VPA, Amount, Policy, VerticalAutoscaler, Workload
from predictive_scaling.proposals.policies import AT, operations, policy_of, policy_stands, renewed
from predictive_scaling.proposals.quantity import mebibytes
from predictive_scaling.proposals.raising import Case, Draft, LeftOutError, Wanted, settle
from predictive_scaling.proposals.tree import Slot, follow, of, patches, stands
from predictive_scaling.proposals.yamltext import composed

FILE = "vpa.yaml"
IN_PLACE = "InPlaceOrRecreate"


def acting(vpa: VerticalAutoscaler) -> bool:
    """Whether it sets memory of pods at all."""
    return vpa.mode != "Off" and (
        not vpa.policies or any(not each.off and each.memory for each in vpa.policies)
    )


def vpa_patches(draft: Draft, case: Case) -> list[str]:
    """Files of the tree that raise what a VPA of this service gives."""
    return [path for path in (case.path(FILE), f"{case.floor.service}/{FILE}") if path in draft.files]


def raise_policies(draft: Draft, case: Case, workload: Workload, floors: dict[str, float]) -> Workload:
    """Raise what the VPA may give at least; gives the workload with the requests that follow. Raises LeftOutError."""
    if not floors:
        return workload
    _check_template(draft, case)
    own = _own_name(draft, case)
    vpas = [each for each in case.workload.vpas if each.name not in case.known(VPA, own).names]
    if len(vpas) > 1 or (own and vpas):
        raise LeftOutError(
            f"VPAs {', '.join(f'{each.name} ({each.place})' for each in vpas)} set its memory; keep one"
        )
    for name, floor in floors.items():
        found = _raise(draft, case, vpas[0], name, floor) if vpas else _own(draft, case, name, floor)
        workload = _followed(workload, name, found, vpas[0] if vpas else None)
    return workload


def _check_template(draft: Draft, case: Case) -> None:
    """Never beside a template patch: that one rolls all pods, and the VPA overrides it."""
    workload = case.workload
    mine = of(case.known(workload.kind, workload.name), case.floor.service, patches(draft.files))
    for box in workload.boxes:
        if found := stands(mine, memory_slot(workload, box.name)):
            place = found[0].amount.place
            raise LeftOutError(
                f"{place}: sets its memory in the template; go on with --form template, or delete that patch"
            )


def _raise(draft: Draft, case: Case, vpa: VerticalAutoscaler, container: str, floor: float) -> Amount | None:
    policy = policy_of(vpa, case.workload, container)
    _check(draft, vpa, policy, container)
    if case.workload.single and not vpa.alone:
        draft.told.append(
            f"VPA {vpa.name} ({vpa.place}) does nothing to one replica: updatePolicy.minReplicas: 1"
        )
    name = policy.container if policy else container
    for path in vpa_patches(draft, case):
        draft.files[path] = renewed(path, draft.files[path], vpa, case.workload)

    def create(value: str) -> str:
        present = "".join(draft.files[path] for path in vpa_patches(draft, case))
        return operations(vpa, policy, container, value, present)

    wanted = Wanted(
        Slot(f"VPA {vpa.name} {container}: minAllowed memory", (), ()),
        case.known(VPA, vpa.name),
        policy.least if policy else None,
        Fraction(floor),
        mebibytes,
        case.floor.memory_run,
        FILE,
        create,
        lambda each: each.memory.get(container, each.memory.get("")),
        find=lambda listed: policy_stands(listed, name),
    )
    found = settle(draft, case, wanted)
    if policy and policy.most and found and found.value > policy.most.value:
        most = f"maxAllowed {policy.most.text} ({policy.most.place})"
        raise LeftOutError(f"{container}: memory {found.text} is above {most}")
    return found


def _check(draft: Draft, vpa: VerticalAutoscaler, policy: Policy | None, container: str) -> None:
    if vpa.mode == "Off" or (policy and (policy.off or not policy.memory)):
        raise LeftOutError(
            f"VPA {vpa.name} ({vpa.place}) does not set the memory of {container}; let it, or --form template"
        )
    if vpa.mode != IN_PLACE:
        draft.told.append(
            f"VPA {vpa.name} ({vpa.place}) evicts pods to act: its updateMode is {vpa.mode or 'not said'}, "
            f"not {IN_PLACE}"
        )


def _followed(
    workload: Workload, name: str, found: Amount | None, vpa: VerticalAutoscaler | None
) -> Workload:
    """The workload as the VPA makes it: the request at least the floor, and the limit in the template's ratio."""
    box = workload.box(name)
    if box is None or found is None:
        return workload
    old = box.resources
    if old.memory and old.memory.value >= found.value:
        return workload
    limit = old.limit
    policy = next((each for each in vpa.policies if each.container in {name, "*"}), None) if vpa else None
    scaled = vpa is not None and not (policy and policy.requests_only)
    if scaled and limit and (asked := box.asked):
        value = limit.value * found.value / asked.value if asked.value else limit.value
        limit = Amount(value, mebibytes(value), limit.place)
    return workload.with_box(replace(box, resources=replace(old, memory=found, limit=limit)))


def _own_name(draft: Draft, case: Case) -> str:
    """The name of the VPA that this tree itself adds; empty where it adds none."""
    found = [composed(path, draft.files[path]) for path in vpa_patches(draft, case)]
    return next(
        (each[0].said("metadata", "name") for each in found if each and each[0].said("kind") == VPA), ""
    )


def _free_name(case: Case) -> str:
    """The service's name, unless a VPA of another workload has it: two of one name, and no tree builds."""
    name, workload = case.floor.service, case.workload
    names = {*case.known(VPA, name).names, case.placing.after(name)}
    others = (
        each
        for each in case.ground.vpas
        if each.namespace == workload.namespace and each.workload != (workload.kind, workload.name)
    )
    return f"{name}-{workload.kind.lower()}" if any(each.name in names for each in others) else name


def _own(draft: Draft, case: Case, container: str, floor: float) -> Amount | None:
    """A VPA of the tree's own, made or raised: a resource, and no patch."""
    box, name = case.workload.box(container), _own_name(draft, case) or _free_name(case)
    known = case.known(VPA, name)
    policy: tuple[Step, ...] = (*AT, ("containerName", container))
    asked = fit.asked(box, fit.ranges_of(case.ground, case.workload)) if box else None
    base = asked.value if asked else Fraction(0)
    texts = [composed(path, draft.files[path]) for path in vpa_patches(draft, case)]
    if Fraction(floor) <= base and not any(follow(each[0], policy) for each in texts if each):
        return asked  # the template asks for as much, and no VPA changes it
    found = settle(
        draft,
        case,
        Wanted(
            Slot(f"VPA {name} {container}: minAllowed memory", (*policy, "minAllowed", "memory"), ()),
            known,
            None,
            max(Fraction(floor), base),
            mebibytes,
            case.floor.memory_run,
            FILE,
            lambda value: new_vpa(case.workload, known.names[0], container, value),
            lambda each: each.memory.get(container, each.memory.get("")),
            resource=True,
        ),
    )
    for path in vpa_patches(draft, case):
        draft.files[path] = _memory_only(path, draft.files[path], policy)
    return found


def _memory_only(path: str, text: str, policy: tuple[Step, ...]) -> str:
    """A policy that was just added says that it is for memory requests, as the first one does."""
    seen = composed(path, text)[0]
    if follow(seen, (*policy, "minAllowed")) is None:
        return text
    for key, value in (("controlledValues", "RequestsOnly"), ("controlledResources", "[memory]")):
        if follow(seen, (*policy, key)) is None:
            text = with_value(path, text, (*policy, key), value)
    return text
