"""Gauges to a Prometheus Pushgateway: one group per service, so that a dead service's group can be removed.

Grouping key: job, environment and namespace (where set), service. Pushing a group replaces it whole, hence no gauge of
an earlier run survives in it; groups of services that are no longer in the document are deleted. A run touches those of
its own environment and namespace alone, and what an earlier version left of them, which knew no namespaces.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from predictive_scaling import __version__
from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError, RemoteError
from predictive_scaling.base.settings import setting
from predictive_scaling.base.web import Server
from predictive_scaling.tell.gauges import HELP, PREFIX, Gauge, gauges
from predictive_scaling.tell.logs import log

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

JOB = "predictive-scaling"
_UNNAMEABLE = frozenset({"", ".", ".."})


def pushgateway() -> Server | None:
    """The Pushgateway of this place; None where none is set."""
    url = setting("PUSHGATEWAY_URL")
    return Server("PUSHGATEWAY", url) if url else None


def deliver(document: Document, *, with_floors: bool) -> None:
    """Push a recommendation where a Pushgateway is set. Floors must arrive: without them a failure is only logged."""
    gateway = pushgateway()
    if gateway is None:
        return
    try:
        push_recommendation(gateway, document, with_floors=with_floors)
    except RemoteError as error:
        if with_floors:
            raise
        log("gauges were not pushed", level=logging.WARNING, reason=str(error))


def push_data(qualities: Mapping[str, float], rows: int) -> None:
    """Push how many rows a run had and the quality of each service's, 0–1, where a Pushgateway is set.

    A failure is only logged.
    """
    gateway = pushgateway()
    if gateway is None:
        return
    found = [Gauge("quality_score", (("service", service),), value) for service, value in qualities.items()]
    try:
        push_run(gateway, {"task": "validate-data"}, [Gauge("run_rows", (), rows), *found])
    except RemoteError as error:
        log("quality was not pushed", level=logging.WARNING, reason=str(error))


def push_run(
    gateway: Server, group: Mapping[str, str], found: Sequence[Gauge], *, keep_others: bool = False
) -> None:
    """Push what a run tells of itself; of the group as an earlier version of ours named it nothing is left."""
    place = _place()
    version = Gauge("run_info", (("version", __version__),), 1.0)
    push(gateway, group, [version, *found], keep_others=keep_others)
    if "namespace" not in place:
        return
    before = {"job": JOB, **_without_namespace(place), **group}
    if any(each.labels == before and not each.has("run_info") for each in groups(gateway)):
        _delete(gateway, before)


def push_recommendation(gateway: Server, document: Document, *, with_floors: bool) -> list[str]:
    """Push every service and delete the groups of services that left; gives the names of the latter.

    Raises RemoteError. Killed half-way and run again, it comes to the same end.
    """
    by_service = gauges(document, with_floors=with_floors)
    place = _place(document)
    for service, found in by_service.items():
        push(gateway, {**place, "service": service}, found)
    pushed = groups(gateway)
    dead = sorted(set(_services(pushed, place)) - set(by_service))
    for service in dead:
        _delete(gateway, {**place, "service": service})
    for each in _outlived(pushed, place, by_service):
        _delete(gateway, each.labels)
    return dead


def push(
    gateway: Server, group: Mapping[str, str], found: Sequence[Gauge], *, keep_others: bool = False
) -> None:
    """Replace a group; `keep_others` leaves metrics of other names in it as they are."""
    from prometheus_client import push_to_gateway, pushadd_to_gateway

    send = pushadd_to_gateway if keep_others else push_to_gateway
    send(gateway.url, JOB, registry(found), _grouping({**_place(), **group}), handler=_through(gateway))


def _delete(gateway: Server, group: Mapping[str, str]) -> None:
    """Delete the group with these labels beside the job, and no other."""
    from prometheus_client import delete_from_gateway

    delete_from_gateway(gateway.url, JOB, _grouping(group), handler=_through(gateway))


def _through(gateway: Server) -> Callable[..., Callable[[], object]]:
    """A handler of prometheus_client: what it puts together is sent as every call is, with patience and our rights."""

    def handler(
        *, url: str, method: str, timeout: float | None, headers: Sequence[tuple[str, str]], data: bytes
    ) -> Callable[[], object]:
        del timeout  # a server has its own
        path = url.removeprefix(gateway.url.rstrip("/"))
        return lambda: _taken(gateway.call(method, path, body=data or None, headers=dict(headers)))

    return handler


def _taken(answer: bytes) -> None:
    """A Pushgateway says nothing; a login's or a proxy's page is from somebody who took nothing."""
    if answer.lstrip()[:1] == b"<":
        raise RemoteError("a web page answered, not a Pushgateway: nothing was pushed; is its address right?")


def registry(found: Iterable[Gauge]) -> CollectorRegistry:
    """The gauges as prometheus_client has them."""
    from prometheus_client import CollectorRegistry
    from prometheus_client import Gauge as ClientGauge

    made: dict[str, ClientGauge] = {}
    registry = CollectorRegistry()
    for each in found:
        names = [name for name, _ in each.labels]
        if each.name not in made:
            made[each.name] = ClientGauge(
                PREFIX + each.name, HELP.get(each.name, each.name), names, registry=registry
            )
        gauge = made[each.name].labels(*(value for _, value in each.labels)) if names else made[each.name]
        gauge.set(each.value)
    return registry


@dataclass(frozen=True)
class Group:
    """A group on the Pushgateway: its labels, and first values by the metric's name, without our prefix."""

    labels: Mapping[str, str]
    values: Mapping[str, float]

    def has(self, name: str) -> bool:
        """Whether it holds this gauge."""
        return name in self.values


def groups(gateway: Server) -> list[Group]:
    """Every group of our job that can be named; what else is there is not ours, however odd."""
    try:
        listed = json.loads(gateway.call("GET", "/api/v1/metrics"))["data"] or []
        found = [_group(each) for each in listed]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RemoteError("Pushgateway answered with something that is not its list of groups") from error
    return [each for each in found if each is not None]


def _group(listed: object) -> Group | None:
    """One of the list; None when its labels are not ours. Empty labels and dots alone are nobody we could delete."""
    labels = listed.get("labels") if isinstance(listed, dict) else None
    if not isinstance(labels, dict) or labels.get("job") != JOB:
        return None
    if any(not isinstance(each, str) or each in _UNNAMEABLE for each in labels.values()):
        return None
    assert isinstance(listed, dict)
    values = {
        name.removeprefix(PREFIX): _first(each) for name, each in listed.items() if name.startswith(PREFIX)
    }
    return Group(labels, values)


def _first(metric: object) -> float:
    """Value of a metric's first sample; NaN when it has none that is a number."""
    try:
        return float(metric["metrics"][0]["value"])  # type: ignore[index]  # what is no such thing is caught
    except (KeyError, IndexError, TypeError, ValueError):
        return math.nan


def pushed_services(gateway: Server) -> list[str]:
    """Services that have a group of ours; other jobs', environments' and namespaces' are not ours."""
    return _services(groups(gateway), _place())


def _services(pushed: Iterable[Group], place: Mapping[str, str]) -> list[str]:
    return [each.labels["service"] for each in _of_services(pushed, place)]


def _of_services(pushed: Iterable[Group], place: Mapping[str, str]) -> list[Group]:
    ours = {"job": JOB, **place}
    return [each for each in pushed if each.labels == {**ours, "service": each.labels.get("service", "")}]


def _outlived(pushed: Sequence[Group], place: Mapping[str, str], services: Container[str]) -> list[Group]:
    """Groups that a version without namespaces pushed for this environment, and that nobody pushes any more.

    It had no lead. One of a service that is not ours may be of another run, not upgraded yet: it stays while it holds.
    """
    if "namespace" not in place:
        return []
    return [
        each
        for each in _of_services(pushed, _without_namespace(place))
        if not each.has("lead_seconds")
        and (each.labels["service"] in services or each.values.get("valid_until_seconds", 0.0) < time.time())
    ]


def _without_namespace(place: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in place.items() if name != "namespace"}


def _place(document: Document | None = None) -> dict[str, str]:
    """Labels of the place: what the recommendation says of itself, else the settings; empty ones are left out."""
    said = document or {}
    found = {name: str(said.get(name) or setting(name.upper())) for name in ("environment", "namespace")}
    return {name: value for name, value in found.items() if value}


def _grouping(group: Mapping[str, str]) -> dict[str, str]:
    """The grouping key beside the job. An empty label is none, and dots alone climb in a path: they name no group."""
    key = {name: value for name, value in group.items() if name != "job"}
    if any(value in _UNNAMEABLE for value in key.values()):
        raise InputError(f"a label of the group {key} is empty or dots alone")
    return key
