"""Gauges to a Prometheus Pushgateway: one group per service, so that a dead service's group can be removed.

Grouping key: job, environment (where set), service. Pushing a group replaces it whole, hence no gauge of an earlier
run survives in it; groups of services that are no longer in the document are deleted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError, RemoteError
from predictive_scaling.base.settings import setting
from predictive_scaling.base.web import Server
from predictive_scaling.tell.gauges import HELP, PREFIX, Gauge, gauges
from predictive_scaling.tell.logs import log

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

JOB = "predictive-scaling"


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


def push_quality(qualities: Mapping[str, float]) -> None:
    """Push the quality of each service's data, 0–1, where a Pushgateway is set; a failure is only logged."""
    gateway = pushgateway()
    if gateway is None:
        return
    found = [Gauge("quality_score", (("service", service),), value) for service, value in qualities.items()]
    try:
        push(gateway, {"task": "validate-data"}, found)
    except RemoteError as error:
        log("quality was not pushed", level=logging.WARNING, reason=str(error))


def push_recommendation(gateway: Server, document: Document, *, with_floors: bool) -> list[str]:
    """Push every service and delete the groups of services that left; gives the names of the latter.

    Raises RemoteError. Killed half-way and run again, it comes to the same end.
    """
    by_service = gauges(document, with_floors=with_floors)
    for service, found in by_service.items():
        push(gateway, {"service": service}, found)
    dead = sorted(set(pushed_services(gateway)) - set(by_service))
    for service in dead:
        _delete(gateway, {"service": service})
    return dead


def push(
    gateway: Server, group: Mapping[str, str], found: Sequence[Gauge], *, keep_others: bool = False
) -> None:
    """Replace a group; `keep_others` leaves metrics of other names in it as they are."""
    from prometheus_client import push_to_gateway, pushadd_to_gateway

    send = pushadd_to_gateway if keep_others else push_to_gateway
    send(gateway.url, JOB, registry(found), _grouping(group), handler=_through(gateway))


def _delete(gateway: Server, group: Mapping[str, str]) -> None:
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


def pushed_services(gateway: Server) -> list[str]:
    """Services that have a group of ours; other jobs' and other environments' are not ours."""
    try:
        groups = json.loads(gateway.call("GET", "/api/v1/metrics"))["data"]
        labels = [each["labels"] for each in groups]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RemoteError("Pushgateway answered with something that is not its list of groups") from error
    return [
        each["service"]
        for each in labels
        if "service" in each and each == {"job": JOB, **_place(), "service": each["service"]}
    ]


def _place() -> dict[str, str]:
    environment = setting("ENVIRONMENT")
    return {"environment": environment} if environment else {}


def _grouping(group: Mapping[str, str]) -> dict[str, str]:
    """The grouping key beside the job. An empty label is none, and dots alone climb in a path: they name no group."""
    key = {**_place(), **group}
    if any(value in ("", ".", "..") for value in key.values()):
        raise InputError(f"a label of the group {key} is empty or dots alone")
    return key
