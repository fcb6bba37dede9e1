"""Gauges to a Prometheus Pushgateway: one group per service, so that a dead service's group can be removed.

Grouping key: job, environment (where set), service. Pushing a group replaces it whole, hence no gauge of an earlier
run survives in it; groups of services that are no longer in the document are deleted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError, RemoteError
from predictive_scaling.base.settings import setting
from predictive_scaling.base.web import Server
from predictive_scaling.tell.gauges import HELP, PREFIX, Gauge, gauges
from predictive_scaling.tell.logs import log

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
        gateway.call("DELETE", _path({"service": service}))
    return dead


def push(
    gateway: Server, group: Mapping[str, str], found: Sequence[Gauge], *, keep_others: bool = False
) -> None:
    """Replace a group; `keep_others` leaves metrics of other names in it as they are."""
    gateway.call(
        "POST" if keep_others else "PUT",
        _path(group),
        body=exposition(found),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


def exposition(found: Iterable[Gauge]) -> bytes:
    """Text of Prometheus' exposition format."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client import Gauge as ClientGauge

    registry = CollectorRegistry()
    made: dict[str, ClientGauge] = {}
    for each in found:
        names = [name for name, _ in each.labels]
        if each.name not in made:
            made[each.name] = ClientGauge(
                PREFIX + each.name, HELP.get(each.name, each.name), names, registry=registry
            )
        gauge = made[each.name].labels(*(value for _, value in each.labels)) if names else made[each.name]
        gauge.set(each.value)
    text: bytes = generate_latest(registry)
    return text


def pushed_services(gateway: Server) -> list[str]:
    """Services that have a group of ours; other jobs' and other environments' are not ours."""
    try:
        groups = json.loads(gateway.call("GET", "/api/v1/metrics"))["data"]
        labels = [each["labels"] for each in groups]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RemoteError("Pushgateway answered with something that is not its list of groups") from error
    return [
        each["service"] for each in labels if "service" in each and each == _key({"service": each["service"]})
    ]


def _key(group: Mapping[str, str]) -> dict[str, str]:
    environment = setting("ENVIRONMENT")
    return {"job": JOB} | ({"environment": environment} if environment else {}) | dict(group)


def _path(group: Mapping[str, str]) -> str:
    """The path of a group; an empty value or one with a slash cannot stand in it."""
    key = _key(group)
    if any(not value or "/" in value for value in key.values()):
        raise InputError(f"a label of the group {key} is empty or has a slash")
    return "/metrics" + "".join(f"/{name}/{quote(value, safe='')}" for name, value in key.items())
