"""Usage of what runs there, read with rules and without, held against what the kubelet says."""

from __future__ import annotations

import csv
import gzip
import tempfile
import time
from pathlib import Path

from kube import Failed, tell, until
from scaling_place import DEV, PROD, SERVICE, Place, asked, product, setting, step

# A rate over five minutes, and the step before it.
ENOUGH_SECONDS = 900


def shown() -> None:
    step("usage is read, with rules and from raw series alike")
    for place in (DEV, PROD):
        until(f"usage of {place.environment}", lambda place=place: _kubelet(place), 300)
        _old_enough(place)
        _read(place)
    step("what the doctor says of this Prometheus")
    tell(
        product(
            "doctor", "--url", setting("PROMETHEUS_URL"), "--namespace", DEV.namespace.name, codes=(0, 1)
        ).strip()
    )


def _old_enough(place: Place) -> None:
    pods = f'kube_deployment_created{{namespace="{place.namespace.name}", deployment="{SERVICE}"}}'
    found = asked(f"time() - {pods}")
    wait = ENOUGH_SECONDS - float(found[0]["value"][1]) if found else ENOUGH_SECONDS
    if wait > 0:
        tell(f"{place.environment} is young: {wait:.0f} s more")
        time.sleep(wait)


def _read(place: Place) -> None:
    for source in ("rules", "raw"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "usage.csv.gz"
            said = product(
                *("fetch", "--url", setting("PROMETHEUS_URL"), "--source", source, "--output", str(path)),
                *("--namespace", place.namespace.name, "--days", "1"),
                place=place,
            )
            with gzip.open(path, "rt", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if row["service"] == SERVICE]
        if not rows:
            raise Failed(f"no usage of {SERVICE} by {source}:\n{said}")
        last = rows[-1]
        cpu, memory = float(last["cpu"]), float(last["memory"])
        seen = _kubelet(place)
        tell(
            f"{place.environment}, {source}: {len(rows)} rows, cpu {cpu * 1000:.0f} m, memory {memory / 2**20:.1f} MiB "
            f"a pod, {last.get('replicas', '?')} replicas; metrics-server: {seen:.0f} m in all now"
        )
        if not (0 < cpu < 2 and 2**18 < memory < 64 * 2**20):
            raise Failed(f"{place.environment}: implausible by {source}: {last}")


def _kubelet(place: Place) -> float:
    """Millicores of all pods, as `kubectl top` has them."""
    lines = place.namespace.kubectl("top", "pods", "--no-headers", check=False).splitlines()
    return sum(float(line.split()[1].removesuffix("m")) for line in lines)
