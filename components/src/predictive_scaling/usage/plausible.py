"""Whether a service's numbers can be cores and bytes at all: by their size, by each other, and by how they grow.

Models do not mind a unit: millicores and MiB forecast as well as cores and bytes, and a request of 300 bytes follows.
What is told here is evidence, never a repair; a service that is odd but true passes with `implausible: warn`.

Sizes: an empty container has some 150 KiB (pause, a shell), a busy one megabytes for each core. Where pods are not
counted (no column `replicas`), cpu is the whole service's and memory one pod's, so large services may have little
memory a core: from 20 cores on less than 8 MiB is told, from 100 on less than 32 MiB.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from predictive_scaling.usage.checks import METRICS, Finding, Severity, ValidationRules
from predictive_scaling.usage.tables import numeric

KIB, MIB = 2.0**10, 2.0**20
LEAST_BYTES = 64 * KIB
MOST_CORES = 1e6
LITTLE = ((100.0, 32 * MIB), (20.0, 8 * MIB))
"""From so many cores on, fewer bytes a core than this."""
BUSY_POD_CORES = 8.0
WHOLE_FROM, WHOLE_VALUES, WHOLE_SHARE = 20.0, 20, 0.99
COUNTER_STEPS, COUNTER_SHARE, COUNTER_CORES = 200, 0.97, 2e-5
ABOVE_LIMIT = 0.05
PODS_APART, PODS_MORE, PODS_ALIKE = 0.1, 1.5, 0.1
"""Quantiles that are compared; how many times as many pods; how near memory must follow them."""
TWICE, ABOUT_TWICE = (1.94, 2.06), (1.7, 2.3)
"""Of memory, and of cpu, which moves by itself from one hour to the next."""
MOST_JUMPS = 20
HINT = "convert it with --map (docs/usage-data.md)"


def shares(rows: pd.DataFrame) -> bool:
    """Whether a service is in shares of something, 0–1, as published traces are: no unit can be told from them."""
    sizes = [name for name in ("memory_limit", "memory_request") if name in rows.columns]
    small = all(_top(rows[name]) < LEAST_BYTES for name in sizes)
    return small and all(_top(rows[name]) <= 1.0 for name in METRICS)


def implausible(rows: pd.DataFrame, rules: ValidationRules) -> list[Finding]:
    """What speaks against the units of one service's rows, which are in order, each instant once."""
    found = [] if shares(rows) else [*_bytes(rows), *_cores(rows)]
    told = [*found, *_counter(rows, rules), *_above_limit(rows), *_with_pods(rows), *_doubled(rows)]
    return [Finding(Severity(rules.implausible), check, text, metric) for check, text, metric in told]


def _top(values: pd.Series[float]) -> float:
    finite = numeric(values).replace([np.inf, -np.inf], np.nan)
    return float(finite.max()) if finite.notna().any() else 0.0


def _positive(values: pd.Series[float]) -> pd.Series[float]:
    numbers = values.astype("float64")
    return numbers[(numbers > 0) & (numbers != np.inf)]


def _bytes(rows: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    memory = _positive(rows["memory"])
    if memory.empty or memory.max() >= LEAST_BYTES:
        return
    top = float(memory.max())
    unit = "GiB, percent or a share" if top <= 128 else "MiB"
    yield (
        "units",
        f"memory is at most {top:.6g}, and no container has fewer than {LEAST_BYTES:.0f} bytes: {unit}? "
        f"It must be bytes: {HINT}",
        "",
    )


def _cores(rows: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    cpu, memory = _positive(rows["cpu"]), _positive(rows["memory"])
    if cpu.empty:
        return
    high = float(cpu.quantile(0.95))
    if high >= MOST_CORES:
        yield "units", f"cpu is {high:.4g} cores at p95: nanocores, or a counter's seconds? {HINT}", ""
    elif _whole(cpu):
        yield (
            "units",
            f"cpu is whole numbers alone, up to {cpu.max():.0f}: {_small_unit(high)}? Cores are never whole all "
            f"the time: {HINT}",
            "",
        )
    elif len(memory) and memory.max() >= LEAST_BYTES:
        yield from _little_memory(rows, high, float(memory.median()))


def _whole(cpu: pd.Series[float]) -> bool:
    whole = (cpu == cpu.round()).mean() >= WHOLE_SHARE
    return bool(whole and cpu.max() >= WHOLE_FROM and cpu.nunique() >= WHOLE_VALUES)


def _small_unit(high: float) -> str:
    return "percent or millicores" if high <= 100 else "millicores, or percent of one core"


def _little_memory(rows: pd.DataFrame, cores: float, memory: float) -> Iterator[tuple[str, str, str]]:
    pods = _positive(rows["replicas"]).median() if "replicas" in rows.columns else np.nan
    known = bool(np.isfinite(pods))
    for least, size in LITTLE:
        each = memory * (pods if known else 1.0) / cores
        if cores >= least and each < size and not (known and cores / pods < BUSY_POD_CORES):
            other = "" if known else " (or give the column replicas: then it is judged by the pod)"
            yield (
                "units",
                f"cpu is {cores:.4g} cores at p95 with {each / MIB:.2g} MiB of memory for each: "
                f"{_small_unit(cores)}? It must be cores: {HINT}{other}",
                "",
            )
            return


def _counter(rows: pd.DataFrame, rules: ValidationRules) -> Iterator[tuple[str, str, str]]:
    """Seconds that only grow, but for restarts: a counter that nobody took the rate of."""
    changes = rows["cpu"].astype("float64").replace([np.inf, -np.inf], np.nan).dropna().diff()
    moved = changes[changes.fillna(0) != 0]
    up = moved[moved > 0]
    if len(moved) < COUNTER_STEPS or len(up) < COUNTER_SHARE * len(moved):
        return
    rate = float(up.median()) / rules.step.total_seconds()
    if rate >= COUNTER_CORES:
        yield (
            "counter",
            f"cpu grows in {len(up) / len(moved):.1%} of its steps, by {up.median():.4g} a step: a raw counter? "
            "Take its rate: rate(container_cpu_usage_seconds_total[5m]), or `counter: true` in --map",
            "",
        )


def _above_limit(rows: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    if "memory_limit" not in rows.columns:
        return
    limit = _positive(rows["memory_limit"])
    times = (rows["memory"].astype("float64") / limit).replace([np.inf, -np.inf], np.nan).dropna()
    above = times[times > 1]
    if len(above) > ABOVE_LIMIT * max(1, len(times)):
        yield (
            "sum",
            f"memory is above its own limit in {len(above) / len(times):.0%} of rows, {above.median():.1f} times it: "
            "a sum over pods, or scraped twice? It must be of one pod's container: max by (pod, container) first",
            "memory",
        )


def _with_pods(rows: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    """Memory that grows as pods do is the sum over them: one pod's hardly knows how many there are."""
    if "replicas" not in rows.columns:
        return
    pods = _positive(rows["replicas"])
    memory = rows["memory"].astype("float64").reindex(pods.index)
    few, many = pods <= pods.quantile(PODS_APART), pods >= pods.quantile(1 - PODS_APART)
    more = float(pods[many].median() / pods[few].median()) if len(pods) else 1.0
    times = float(memory[many].median() / memory[few].median()) if len(pods) else 1.0
    if more >= PODS_MORE and abs(times / more - 1) <= PODS_ALIKE:
        yield (
            "sum",
            f"memory is {times:.1f} times as high with {more:.1f} times as many pods: a sum over pods? It must be of "
            "one pod's container; say memory_of: service where it is the whole service's",
            "memory",
        )


def _doubled(rows: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    """Both metrics twice as high from one row to the next, and for an hour: what is there twice, added up."""
    table = rows.set_index("timestamp")[list(METRICS)].astype("float64")
    jumps = (table["memory"] / table["memory"].shift()).replace([np.inf, -np.inf], np.nan)
    either = jumps.between(*TWICE) | (1 / jumps).between(*TWICE)
    for at in table.index[either][:MOST_JUMPS]:
        before = table[(table.index < at) & (table.index >= at - pd.Timedelta(hours=1))].median()
        after = table[(table.index >= at) & (table.index < at + pd.Timedelta(hours=1))].median()
        times = after / before if after["memory"] > before["memory"] else before / after
        if _both_twice(times) and _steady(table, at):
            yield (
                "sum",
                f"cpu and memory both become {'twice' if after['memory'] > before['memory'] else 'half'} at "
                f"{at:%Y-%m-%dT%H:%MZ}, at once: a second scrape job, or sums over duplicates? Take max by "
                "(namespace, pod, container) before any sum",
                "",
            )
            return


def _both_twice(times: pd.Series[float]) -> bool:
    low, high = ABOUT_TWICE
    return TWICE[0] <= times["memory"] <= TWICE[1] and low <= times["cpu"] <= high


def _steady(table: pd.DataFrame, at: pd.Timestamp) -> bool:
    """Whether memory hardly moves in the hour on either side: then a factor of two is no load."""
    sides = (
        table["memory"][(table.index < at) & (table.index >= at - pd.Timedelta(hours=1))],
        table["memory"][(table.index >= at) & (table.index < at + pd.Timedelta(hours=1))],
    )
    return all(len(side) >= 3 and side.max() <= 1.25 * side.min() for side in sides)
