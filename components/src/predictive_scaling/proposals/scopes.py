"""Which pods a ResourceQuota with scopes counts: those that all of its scopes are of.

By `podMatchesScopeFunc` of Kubernetes, pkg/quota/v1/evaluator/core/pods.go. A class of priority that the cluster
gives to pods which name none is not known here, nor is what a LimitRange gives them of cpu.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from predictive_scaling.proposals.ground import Quota, Range, Scope, Workload
from predictive_scaling.proposals.yamltext import Seen

_AFFINITIES = ("podAffinity", "podAntiAffinity")


def scopes(seen: Seen) -> tuple[Scope, ...]:
    """The scopes of a ResourceQuota, in both ways of writing them."""
    named = [Scope(each.text or "") for each in seen.listed("spec", "scopes")]
    expressions = seen.listed("spec", "scopeSelector", "matchExpressions")
    return (*named, *(_scope(each) for each in expressions))


def _scope(seen: Seen) -> Scope:
    values = tuple(each.text or "" for each in seen.listed("values"))
    return Scope(seen.said("scopeName"), seen.said("operator"), values)


def reaches_across(pod: Seen) -> bool:
    """Whether a pod's affinity names other namespaces."""
    return any(term.listed("namespaces") or term.at("namespaceSelector") is not None for term in _terms(pod))


def _terms(pod: Seen) -> Iterator[Seen]:
    for kind in _AFFINITIES:
        yield from pod.listed("affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution")
        for each in pod.listed("affinity", kind, "preferredDuringSchedulingIgnoredDuringExecution"):
            term = each.at("podAffinityTerm")
            if term is not None:
                yield term


def counts(quota: Quota, workload: Workload, ranges: Iterable[Range]) -> bool:
    """Whether the quota counts the pods of this workload; `ranges` are those of its namespace."""
    given = [each for each in ranges if each.type == "Container" and (each.request or each.limit)]
    return all(
        _is_of(scope, workload, best_effort=not given and _asks_nothing(workload)) for scope in quota.scopes
    )


def _asks_nothing(workload: Workload) -> bool:
    found = (workload.pod, *(each.resources for each in workload.boxes))
    return not any(each.memory or each.limit or each.cpu for each in found)


def _is_of(scope: Scope, workload: Workload, *, best_effort: bool) -> bool:
    """No workload has pods that terminate: only a Job's may have an activeDeadlineSeconds."""
    match scope.name:
        case "BestEffort":
            return best_effort
        case "NotBestEffort":
            return not best_effort
        case "NotTerminating":
            return True
        case "PriorityClass":
            return _has_priority(scope, workload.priority)
        case "CrossNamespacePodAffinity":
            return workload.across
        case _:
            return False


def _has_priority(scope: Scope, name: str) -> bool:
    match scope.operator:
        case "In":
            return name in scope.values if name else False
        case "NotIn":
            return name not in scope.values
        case "DoesNotExist":
            return not name
        case _:
            return bool(name)
