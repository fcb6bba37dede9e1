"""From what the queries gave to the usage table: one kind of workload to a name, one container to a workload."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from predictive_scaling.usage.checks import DEPLOYED, LOADS
from predictive_scaling.usage.columns import OPTIONAL_COLUMNS
from predictive_scaling.usage.prometheus import Told

KEYS = ["timestamp", "service", "kind", "container"]
DECIMALS = {"memory": 0, "memory_max": 0, "memory_request": 0, "memory_limit": 0, "replicas": 3}
CORES_DECIMALS = 6
OF_CONTAINER = ("memory", "memory_max", "cpu_request", "cpu_limit", "memory_request", "memory_limit")


@dataclass(frozen=True)
class Chosen:
    """What a person said of a service: its kind, where two have one name, and its main container."""

    kind: str = ""
    container: str = ""


@dataclass(frozen=True)
class Assembled:
    """The usage table, and by service the container that its memory, requests and limits are of."""

    rows: pd.DataFrame
    containers: Mapping[str, str] = field(default_factory=dict)


def assembled(
    parts: pd.DataFrame, chosen: Mapping[str, Chosen], told: Told, exact: Collection[str] = ()
) -> Assembled:
    """The table of `parts`: rows by instant, service, kind and container; without a container, of the service."""
    parts = _of_one_kind(parts, chosen, told)
    single, multiple = parts[parts["container"] == ""], parts[parts["container"] != ""]
    mains = _mains(multiple, chosen, told)
    placed = zip(multiple["service"], multiple["container"], strict=True)
    wanted = [place in mains for place in placed]
    rows = pd.concat([single, multiple[np.array(wanted, dtype=bool)]]).drop(columns=["kind", "container"])
    merged = rows.groupby(["timestamp", "service"], sort=True).first().reset_index()
    containers = {service: container for (service, container), is_main in mains.items() if is_main}
    return Assembled(_rounded(_used(merged, told), exact), containers)


def of_services(parts: pd.DataFrame, told: Told) -> pd.DataFrame:
    """Parts without loads of what has no usage: a load's label may name more than the services that are read."""
    loads = [name for name in LOADS if name in parts]
    if not loads:
        return parts
    used = parts[[name for name in parts if name not in (*KEYS, *LOADS, DEPLOYED)]].notna().any(axis=1)
    services = set(parts.loc[used, "service"])
    known = parts["service"].isin(list(services))
    loaded = parts[loads].notna().any(axis=1)
    if bool(loaded.any()) and not (known & loaded).any():
        names = sorted(set(parts.loc[loaded, "service"]))
        told(f"the load is of {', '.join(names[:8])}, and none of them is a service here; see load.label")
    return parts[known]


def _of_one_kind(parts: pd.DataFrame, chosen: Mapping[str, Chosen], told: Told) -> pd.DataFrame:
    pairs = parts.loc[parts["kind"] != "", ["service", "kind"]].drop_duplicates()
    kinds = {str(name): sorted(rows["kind"]) for name, rows in pairs.groupby("service", sort=True)}
    left_out, dropped = set(), []
    for service, found in kinds.items():
        said = chosen.get(service, Chosen()).kind
        if said and said not in found:
            told(f"{service}: there is no {said} of this name, but {', '.join(found)}")
        if len(found) < 2:
            continue
        left_out |= {(service, kind) for kind in found if kind != said}
        if said not in found:
            dropped.append(service)
            told(
                f"{service}: {' and '.join(found)} of one name; left out until "
                f"`services: {{{service}: {{kind: {found[0]}}}}}` chooses"
            )
    pairs_of = zip(parts["service"], parts["kind"], strict=True)
    keep = [pair not in left_out and pair[0] not in dropped for pair in pairs_of]
    return parts[np.array(keep, dtype=bool)]


def _mains(rows: pd.DataFrame, chosen: Mapping[str, Chosen], told: Told) -> dict[tuple[str, str], bool]:
    """(service, container) → whether it is the main one now; others are the same by earlier names.

    The main container is what was said, else the one of the highest memory. What was never there beside it, as before a
    container was renamed, stands for it at its time.
    """
    if rows.empty:
        return {}
    weight = rows[[name for name in ("memory_max", "memory") if name in rows]].max(axis=1)
    highest = weight.groupby([rows["service"], rows["container"]]).max().fillna(0.0)
    found: dict[tuple[str, str], bool] = {}
    for name, weights in highest.groupby(level=0):
        service, names = str(name), list(weights.index.get_level_values(1))
        said = chosen.get(service, Chosen()).container
        if said and said not in names:
            told(f"{service}: there is no container {said!r}, but {', '.join(names)}")
        main = said if said in names else names[int(weights.to_numpy().argmax())]
        found[service, main] = True
        found |= dict.fromkeys(((service, each) for each in _earlier(rows, service, main, names)), False)
    return found


def _earlier(rows: pd.DataFrame, service: str, main: str, names: list[str]) -> list[str]:
    if len(names) < 2:
        return []
    own = rows[rows["service"] == service]
    times = {name: set(own.loc[own["container"] == name, "timestamp"]) for name in names}
    taken, found = set(times[main]), []
    for name in sorted(names, key=lambda each: (-len(times[each]), each)):
        if name != main and not times[name] & taken:
            taken |= times[name]
            found.append(name)
    return found


def _used(rows: pd.DataFrame, told: Told) -> pd.DataFrame:
    """Rows with a usage; a service that has none in cpu or memory is told."""
    for metrics, what in ((("cpu", "memory"), "usage"), (("cpu",), "cpu"), (("memory",), "memory")):
        known = rows[list(metrics)].notna().any(axis=1).groupby(rows["service"]).any()
        lacking = sorted(known.index[~known])
        if lacking:
            told(
                f"no {what} of {', '.join(lacking[:8])}{f' and {len(lacking) - 8} more' if len(lacking) > 8 else ''}"
            )
            rows = rows if what != "usage" else rows[~rows["service"].isin(lacking)]
    return rows[rows[["cpu", "memory"]].notna().any(axis=1)]


def _rounded(rows: pd.DataFrame, exact: Collection[str]) -> pd.DataFrame:
    """Columns but the exact ones to whole bytes and microcores, which is below what is measured and half the file."""
    present = [
        "cpu",
        "memory",
        *(name for name in OPTIONAL_COLUMNS if name in rows and rows[name].notna().any()),
    ]
    numbers = {
        name: rows[name] if name in exact else rows[name].round(DECIMALS.get(name, CORES_DECIMALS))
        for name in present
    }
    ordered = rows[["timestamp", "service"]].assign(**numbers)
    return ordered.sort_values(["service", "timestamp"], ignore_index=True)
