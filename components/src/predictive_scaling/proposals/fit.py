"""Whether what a proposal makes of a service fits what bounds it; each bound that it does not fit, with its place.

Bounds: limits of containers and pods, LimitRanges, ResourceQuotas, the autoscaler's maximum, the largest node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction

from predictive_scaling.proposals.ground import Amount, Box, Ground, Quota, Range, Workload
from predictive_scaling.proposals.quantity import mebibytes
from predictive_scaling.proposals.scopes import counts

Key = tuple[str, str, str]


def asked(box: Box, ranges: Iterable[Range]) -> Amount | None:
    """The memory that is requested for a container, where nothing is written by what a LimitRange gives."""
    if box.asked:
        return box.asked
    return next((each.request for each in ranges if each.type == "Container" and each.request), None)


def ranges_of(ground: Ground, workload: Workload) -> list[Range]:
    """The LimitRanges of its namespace."""
    return [each for each in ground.ranges if each.namespace == workload.namespace]


def pod_memory(workload: Workload, ranges: Iterable[Range]) -> Fraction:
    """The memory in bytes that is requested for a pod."""
    if workload.pod.memory or workload.pod.limit:
        return (workload.pod.memory or workload.pod.limit).value  # type: ignore[union-attr] # one of them is there
    ranges = list(ranges)
    found = [asked(each, ranges) for each in workload.boxes]
    return sum((each.value for each in found if each), Fraction(0))


def memory_misfits(workload: Workload, ground: Ground) -> list[str]:
    """What the memory of its pods does not fit: what would be refused, or would never start."""
    ranges = ranges_of(ground, workload)
    found = [text for box in workload.boxes for text in _box_misfits(box, ranges)]
    total = pod_memory(workload, ranges)
    found += _pod_misfits(workload, ranges, total)
    nodes = [each for each in ground.nodes if set(workload.node_selector) <= set(each.labels)]
    largest = max(nodes, key=lambda each: each.memory.value, default=None)
    if largest and total > largest.memory.value:
        found.append(
            f"a pod of {mebibytes(total)} fits no node: the largest, {largest.name}, has {largest.memory.text} "
            f"({largest.memory.place})"
        )
    return found


def _box_misfits(box: Box, ranges: list[Range]) -> Iterator[str]:
    memory, limit = box.resources.memory, box.resources.limit
    if memory is None:
        return
    if limit and memory.value > limit.value:
        yield f"{box.name}: memory {memory.text} is above its limit {limit.text} ({limit.place})"
    for each in ranges:
        if each.type != "Container":
            continue
        if not limit and each.limit and memory.value > each.limit.value:
            given = f"the limit {each.limit.text} that LimitRange {each.name} gives it"
            yield f"{box.name}: memory {memory.text} is above {given} ({each.limit.place})"
        elif each.most and memory.value > each.most.value:
            most = f"LimitRange {each.name}, {each.most.text} ({each.most.place})"
            yield f"{box.name}: memory {memory.text} is above the maximum of {most}"
        elif limit and each.most and limit.value > each.most.value:
            most = f"LimitRange {each.name}, {each.most.text} ({each.most.place})"
            yield f"{box.name}: its limit {limit.text} would be above the maximum of {most}"


def _pod_misfits(workload: Workload, ranges: list[Range], total: Fraction) -> Iterator[str]:
    whole = sum((found.value for each in workload.boxes if (found := asked(each, ranges))), Fraction(0))
    pod, limit = workload.pod.memory, workload.pod.limit
    bound = pod or limit
    if bound and whole > bound.value:
        yield (
            f"its containers ask for {mebibytes(whole)}, the pod for {bound.text} ({bound.place}); "
            "raise that with --form pod"
        )
    if pod and limit and pod.value > limit.value:
        yield f"pod: memory {pod.text} is above its limit {limit.text} ({limit.place})"
    for each in ranges:
        if each.type == "Pod" and each.most and total > each.most.value:
            most = f"LimitRange {each.name}, {each.most.text} ({each.most.place})"
            yield f"a pod of {mebibytes(total)} is above the maximum of {most}"


def quota_misfits(
    workload: Workload, replicas: Mapping[Key, int], ground: Ground, *, rolls: bool
) -> list[str]:
    """What the namespace's quotas do not hold, with every workload at its least replicas.

    `ground` has the workloads as they will be; `rolls` says that this one is replaced pod by pod, which takes one more.
    """
    return [
        text
        for quota in ground.quotas
        if quota.namespace == workload.namespace and counts(quota, workload, ranges_of(ground, workload))
        for text in _over(quota, workload, replicas, ground, rolls)
    ]


def _over(
    quota: Quota, workload: Workload, replicas: Mapping[Key, int], ground: Ground, rolls: bool
) -> Iterator[str]:
    ranges = ranges_of(ground, workload)
    here = (each for each in ground.workloads if each.namespace == workload.namespace)
    own = [each for each in here if counts(quota, each, ranges)]
    extra = 1 if rolls and workload.kind == "Deployment" and workload.surge not in {"0", "0%"} else 0
    for resource, hard in quota.hard:
        each_pod = _asked_of(resource, ranges)
        if each_pod is None:
            continue
        needed = sum(
            (
                each_pod(each) * (replicas.get(each.key, 1) + (extra if each == workload else 0))
                for each in own
            ),
            Fraction(0),
        )
        if needed > hard.value:
            text = mebibytes(needed) if "memory" in resource else f"{float(needed):g}"
            yield f"quota {quota.name} allows {resource} {hard.text} ({hard.place}), and {text} would be needed"


def _asked_of(resource: str, ranges: list[Range]) -> Callable[[Workload], Fraction] | None:
    """How much of a quota's resource a pod takes; None for resources that a proposal does not change."""
    if resource in {"memory", "requests.memory"}:
        return lambda each: pod_memory(each, ranges)
    if resource in {"cpu", "requests.cpu"}:
        return lambda each: sum(
            (box.resources.cpu.value for box in each.boxes if box.resources.cpu), Fraction(0)
        )
    if resource == "limits.memory":
        return lambda each: sum(
            (box.resources.limit.value for box in each.boxes if box.resources.limit), Fraction(0)
        )
    return (lambda _: Fraction(1)) if resource in {"pods", "count/pods"} else None
