"""PromQL over cAdvisor's and kube-state-metrics' own series: usage by workload, each expression complete in itself.

They say the same as docs/prometheus/recording-rules.yaml, where the reasons stand, for one namespace and without any
rule: so the past that Prometheus still holds can be read at once, or be recorded by promtool's `tsdb create-blocks-from
rules`, which cannot follow rules that build on one another. Labels of what they give: kind and service, of what is of a
container also container, of requests and limits also resource.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from predictive_scaling.base.errors import InputError

CPU = "container_cpu_usage_seconds_total"
MEMORY = "container_memory_working_set_bytes"
RATE_SECONDS = 300
# The rate of a pod that ended lasts as long as its window, and its owner was last scraped up to a minute before.
OWNER_SLACK_SECONDS = 60
_CONTAINER = 'container!="", container!="POD"'
_POD = 'pod!="", id!="", container="", name=""'
_BY_POD = "cluster, namespace, pod"
_WORKLOAD = "cluster, namespace, kind, service"
_MATCHERS = re.compile(r'\s*[A-Za-z_]\w*\s*(=|!=|=~|!~)\s*"(?:[^"\\]|\\.)*"\s*')


@dataclass(frozen=True)
class Selection:
    """Which series: those of one namespace (empty: all), and more label matchers, such as `cluster="east"`."""

    namespace: str = ""
    more: str = ""

    def __post_init__(self) -> None:
        if self.more and not all(map(_MATCHERS.fullmatch, _parts(self.more))):
            raise InputError(f'selector is {self.more!r}; write label matchers, such as cluster="east"')

    def recorded(self, name: str, matchers: str = "") -> str:
        """Selector of a recorded series."""
        chosen = [f"namespace={json.dumps(self.namespace)}"] if self.namespace else []
        inner = ", ".join([*chosen, *filter(None, [self.more, matchers])])
        return f"{name}{{{inner}}}" if inner else name

    def raw(self, name: str, matchers: str = "", around: str = "{}") -> str:
        """Series of a metric; what was scraped without honor_labels has its namespace in `exported_namespace`.

        `around` is written around each selector, such as `rate({}[5m])`.
        """
        more = ", ".join(filter(None, [self.more, matchers]))
        if not self.namespace:
            return around.format(f"{name}{{{more}}}")
        place, rest = json.dumps(self.namespace), f", {more}" if more else ""
        own = f'{name}{{namespace={place}, exported_namespace=""{rest}}}'
        exported = f"{name}{{exported_namespace={place}{rest}}}"
        return f"({around.format(own)} or {around.format(exported)})"


def _parts(matchers: str) -> list[str]:
    """Split at the commas outside of quotes."""
    return re.split(r',(?=(?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*$)', matchers)


def _honest(expression: str, *labels: str) -> str:
    """Labels as the exporter gave them, whether or not the scrape honoured them."""
    for label in labels:
        expression = f'label_replace({expression}, "{label}", "$1", "exported_{label}", "(.+)")'
    return expression


def _relabelled(expression: str, **sources: str) -> str:
    for label, source in sources.items():
        expression = f'label_replace({expression}, "{label}", "$1", "{source}", "(.+)")'
    return expression


def pods(chosen: Selection, seconds: int) -> str:
    """1 for each pod of the last so many seconds, with its workload's kind and service."""
    seen = f"max_over_time({{}}[{seconds + OWNER_SLACK_SECONDS}s])"

    def owner(name: str, matchers: str, *labels: str) -> str:
        return _honest(chosen.raw(name, matchers, seen), "namespace", *labels)

    of_replicasets = _relabelled(
        owner("kube_pod_owner", 'owner_kind="ReplicaSet", owner_is_controller="true"', "pod"),
        replicaset="owner_name",
    )
    owned = _relabelled(
        owner("kube_replicaset_owner", 'owner_is_controller="true"'), kind="owner_kind", service="owner_name"
    )
    alone = owner("kube_replicaset_owner", 'owner_kind=~"|<none>"')
    alone = _relabelled(f'label_replace({alone}, "kind", "ReplicaSet", "", "")', service="replicaset")
    kinds = 'owner_kind=~"StatefulSet|DaemonSet|ReplicationController", owner_is_controller="true"'
    direct = _relabelled(owner("kube_pod_owner", kinds, "pod"), kind="owner_kind", service="owner_name")
    by_set = "cluster, namespace, replicaset"
    sets = " ".join([
        f"topk by ({by_set}) (1, max by ({by_set}, kind, service) ({owned})",
        f"or on ({by_set}) max by ({by_set}, kind, service) ({alone}))",
    ])  # fmt: skip
    return " ".join([
        f"topk by ({_BY_POD}) (1, max by ({_BY_POD}, kind, service) (",
        f"max by ({_BY_POD}, replicaset) ({of_replicasets}) * on ({by_set}) group_left (kind, service) {sets}",
        f"or on ({_BY_POD}) max by ({_BY_POD}, kind, service) ({direct})))",
    ])  # fmt: skip


def running(chosen: Selection, seconds: int = 0) -> str:
    """The same of pods that run, or, with seconds, that ran within so long."""
    around = f"max_over_time({{}}[{seconds + OWNER_SLACK_SECONDS}s])" if seconds else "{}"
    phase = _honest(chosen.raw("kube_pod_status_phase", 'phase="Running"', around), "namespace", "pod")
    known = pods(chosen, seconds or RATE_SECONDS)
    return f"({known} and on ({_BY_POD}) max by ({_BY_POD}) ({phase}) == 1)"


def _rate(chosen: Selection, matchers: str, seconds: int) -> str:
    return f"sum without (cpu) ({chosen.raw(CPU, matchers, f'rate({{}}[{seconds}s])')})"


def _container_cores(chosen: Selection, seconds: int) -> str:
    by = f"{_BY_POD}, container"
    labels = ("namespace", "pod", "container")
    identified = _honest(_rate(chosen, f'id!="", {_CONTAINER}', seconds), *labels)
    others = _honest(_rate(chosen, f'id="", {_CONTAINER}', seconds), *labels)
    return f"(sum by ({by}) (max by ({by}, id) ({identified})) or max by ({by}) ({others}))"


def _of_workloads(aggregate: str, values: str, known: str, *labels: str) -> str:
    by = ", ".join([_WORKLOAD, *labels])
    return f"{aggregate} by ({by}) ({values} * on ({_BY_POD}) group_left (kind, service) {known})"


def cores(chosen: Selection, seconds: int = RATE_SECONDS) -> str:
    """Cores of each workload, mean of so many seconds."""
    own = _honest(_rate(chosen, _POD, seconds), "namespace", "pod")
    own = f'label_replace(sum by ({_BY_POD}) (max by ({_BY_POD}, id) ({own})), "row", "pod", "", "")'
    containers = f"sum by ({_BY_POD}) ({_container_cores(chosen, seconds)})"
    values = f"max by ({_BY_POD}) ({own} or {containers})"
    return _of_workloads("sum", values, pods(chosen, seconds))


def pod_memory(chosen: Selection, seconds: int = 0) -> str:
    """Bytes of each container in the pod where it uses most; with seconds the maximum within so long."""
    around = f"max_over_time({{}}[{seconds}s])" if seconds else "{}"
    rows = _honest(chosen.raw(MEMORY, _CONTAINER, around), "namespace", "pod", "container")
    values = f"max by ({_BY_POD}, container) ({rows})"
    return _of_workloads("max", values, running(chosen, seconds), "container")


def replicas(chosen: Selection) -> str:
    """Running pods of each workload."""
    return f"count by ({_WORKLOAD}) ({running(chosen)})"


def amounts(chosen: Selection, what: str) -> str:
    """`requests` or `limits` of each container, native sidecars among them; cores and bytes, by the label resource."""
    labels, resources = ("namespace", "pod", "container"), 'resource=~"cpu|memory"'
    plain = _honest(chosen.raw(f"kube_pod_container_resource_{what}", resources), *labels)
    initial = _honest(chosen.raw(f"kube_pod_init_container_resource_{what}", resources), *labels)
    sidecars = _honest(chosen.raw("kube_pod_init_container_info", 'restart_policy="Always"'), *labels)
    by = f"{_BY_POD}, container"
    values = f"max by ({by}, resource) ({plain} or {initial} and on ({by}) {sidecars})"
    return _of_workloads("max", values, running(chosen), "container", "resource")
