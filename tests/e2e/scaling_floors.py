"""Floors that the product pushes, reached by KEDA's ScaledObjects that the product wrote."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from kube import Failed, apply, kubectl, tell, until
from scaling_place import (
    DEV,
    IDLE,
    MOST,
    PROD,
    SERVICE,
    Place,
    Way,
    alerts,
    asked,
    document,
    product,
    pushed,
    settles,
    step,
    workload,
)


def shown() -> None:
    ways = {place: Way(place) for place in (DEV, PROD)}
    with tempfile.TemporaryDirectory() as folder:
        try:
            _shown(Path(folder), ways)
        finally:
            for way in ways.values():
                way.close()


def _shown(folder: Path, ways: Mapping[Place, Way]) -> None:
    step("two environments: a Deployment of the same name in each, and its ScaledObject from its shape")
    for place in (DEV, PROD):
        place.namespace.make()
        apply(workload(place))
        ways[place].open()
        _forget(place)
        _consumers(folder, place, lead=10)
    step("a floor is reached exactly, and dev's is not prod's")
    _push(DEV, 20)
    _push(PROD, 5)
    settles(DEV, 20)
    settles(PROD, 5)
    step("one replica more, within the tolerance of an HPA")
    _push(DEV, 21)
    settles(DEV, 21)
    _early(folder)
    step(f"more than the maximum of {MOST} is told")
    _push(DEV, 30)
    settles(DEV, MOST)
    _told("PredictiveScalingFloorAboveMaximum")
    _away(ways[DEV])


def _forget(place: Place) -> None:
    """Floors that an earlier run has left: a service that is recommended nothing has none."""
    pushed(place, document(place, lambda _: 1, 10) | {"services": []})
    query = f'predictive_scaling_min_replicas{{namespace="{place.namespace.name}"}}'
    # A Prometheus that has just been started gives for five minutes what it saw before.
    until(f"no floor in {place.environment}", lambda: not asked(query), 330)


def _consumers(folder: Path, place: Place, lead: int) -> None:
    """Over the tree as kubectl renders it; what the command writes is applied with it."""
    base, laid = folder / place.environment, folder / place.environment / "floors"
    base.mkdir(exist_ok=True)
    (base / "all.yaml").write_text(yaml.safe_dump_all(workload(place)), "utf-8")
    (base / "kustomization.yaml").write_text("resources: [all.yaml]\n", "utf-8")
    (base / "services.yaml").write_text(f"services: {{{SERVICE}: {{max: {MOST}}}}}\n", "utf-8")
    rendered = folder / f"{place.environment}.yaml"
    rendered.write_text(kubectl("kustomize", str(base)), "utf-8")
    said = product(
        *("consumers", "--kind", "keda", "--over", str(rendered), "--services", str(base / "services.yaml")),
        *("--environment", place.environment, "--namespace", place.namespace.name),
        *("--prometheus", place.prometheus, "--lead-minutes", str(lead), "--output", str(laid)),
    )
    tell(said.strip())
    (base / "kustomization.yaml").write_text("resources: [all.yaml]\ncomponents: [floors]\n", "utf-8")
    kubectl(
        "apply", "--server-side", "--force-conflicts", "--filename=-", given=kubectl("kustomize", str(base))
    )


def _push(place: Place, replicas: int, later: int | None = None) -> None:
    """Floors of this hour, and of all later ones; it waits until Prometheus has them."""
    this = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    pushed(place, document(place, lambda hour: replicas if hour <= this or later is None else later, 10))
    of = f'namespace="{place.namespace.name}", hour="{this.hour}"'
    query = f"predictive_scaling_min_replicas{{{of}}} == {min(replicas, MOST)}"
    until(f"the floor of {place.environment} in Prometheus", lambda: asked(query))


def _early(folder: Path) -> None:
    """The next hour's floor is in force before it: by the default lead where its time has come, else by a longer."""
    step("before its hour")
    now = datetime.now(UTC)
    if now.minute >= 57:  # it would begin while it is waited for
        time.sleep((61 - now.minute) * 60)
        now = datetime.now(UTC)
    lead = 10 if now.minute >= 46 else 61 - now.minute
    _push(PROD, 5, later=9)
    if lead > 10:
        settles(PROD, 5)
        _consumers(folder, PROD, lead)
    until("9 replicas in prod", lambda: PROD.replicas() == 9, 420)
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    left = (hour - datetime.now(UTC)).total_seconds() / 60
    if left <= 0:
        raise Failed("the hour had begun: nothing is shown")
    tell(f"prod: 9 replicas are asked for {left:.0f} min before their hour, with a lead of {lead} min")
    settles(PROD, 9)


def _told(alert: str) -> None:
    state = until(f"the alert {alert} of dev", lambda: alerts().get((alert, "dev")), 180)
    if (alert, "prod") in alerts():
        raise Failed(f"{alert} is raised for prod, too")
    tell(f"{alert} is {state} for dev, and not for prod")


def _away(way: Way) -> None:
    step("Prometheus is taken away from dev; prod's recommendation ends: cpu decides alone, down as well")
    way.close()
    pushed(PROD, document(PROD, lambda _: 9, 10, ended=True))
    begin = time.monotonic()
    for place in (DEV, PROD):
        until(f"{IDLE} replicas in {place.environment}", lambda place=place: place.replicas() <= IDLE, 900)
        tell(f"{place.environment}: {place.replicas()} replicas after {time.monotonic() - begin:.0f} s")
    step("Prometheus is back")
    _push(DEV, 12)
    way.open()
    settles(DEV, 12, 300)
