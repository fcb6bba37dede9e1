"""A HorizontalPodAutoscaler, played over demand that is known: many services, days and floors at once, as columns.

After Kubernetes' controller (pkg/controller/podautoscaler), as it was seen on Kubernetes 1.37:

sync        every 15 seconds, by the CPU used, the mean of the minute before; what is not ready uses nothing
censoring   a pod uses at most its request: demand beyond what is ready shows as 100 % utilisation and no more
tolerance   within 10 % of the target nothing changes; with pods still starting, the ratio is taken over all pods
up          to max(2 n, n + 4) pods at each sync; without `behavior` to max(2 n, 4)
down        to the highest recommendation of the last 300 seconds, all at once; the youngest pods go first
floor       one more metric: acted upon exactly (tolerance 0), with the steps upwards, held for 300 seconds
ready       a pod serves `ready_minutes` after it was ordered, and is paid for from the order on
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SYNCS_PER_MINUTE = 4
STABILISATION_SYNCS = 20  # 300 seconds
TOLERANCE = 0.1

ROUNDING = np.float32(1e-4)  # 7 pods needed must not become 8 by a rounding error
TIGHT = np.float32(0.85)
ONE = np.float32(1)

Counts = NDArray[np.float32]


@dataclass(frozen=True)
class Autoscaler:
    """Settings of the autoscaler; `ready_minutes` from a pod's order to its serving, `target` utilisation 0–1."""

    ready_minutes: float = 5.0
    target: float = 0.7
    max_pods: float = 1000.0
    tolerance: float = TOLERANCE
    behaviour: bool = True

    def limit(self, pods: Counts) -> Counts:
        """The most pods after one sync."""
        return np.maximum(2 * pods, pods + 4 if self.behaviour else np.float32(4))


@dataclass(frozen=True)
class Played:
    """What came of it, minutes × columns: pods ready and ordered at the minute's end, and shares of the minute.

    `unserved` is the share of the minute's syncs in which demand exceeded what was ready, `tight` that in which it
    exceeded 85 % of it; `scalings` are changes of the number of pods.
    """

    ready: Counts
    ordered: Counts
    unserved: Counts
    tight: Counts
    scalings: Counts


def played(demand: NDArray[np.floating], floors: NDArray[np.floating], scaler: Autoscaler) -> Played:
    """Play minutes × columns of demand and floors, both in pods: a demand of 1 is what one ready pod serves at 100 %.

    All pods that the first minute needs are ready when it begins; so the first hour is best left out of any figure.
    """
    wanted, held = demand.astype(np.float32), np.ceil(floors, dtype=np.float32, casting="same_kind")
    result = Played(*(np.zeros_like(wanted) for _ in range(5)))
    state = Pods(wanted[0], held[0], scaler)
    for minute, (asked, floor) in enumerate(zip(wanted, held, strict=True)):
        for _ in range(SYNCS_PER_MINUTE):
            result.unserved[minute] += asked > state.ready
            result.tight[minute] += asked > state.ready * TIGHT
            result.scalings[minute] += state.sync(asked, floor)
        result.ready[minute], result.ordered[minute] = state.ready, state.ordered
    np.divide(result.unserved, SYNCS_PER_MINUTE, out=result.unserved)
    np.divide(result.tight, SYNCS_PER_MINUTE, out=result.tight)
    return result


class Pods:
    """The pods of every column, and what the controller remembers; at first at rest, with all that is needed ready."""

    def __init__(self, demand: Counts, floor: Counts, scaler: Autoscaler) -> None:
        needed = np.maximum(np.ceil(demand / np.float32(scaler.target)), np.maximum(floor, ONE))
        self.ordered: Counts = np.minimum(needed, np.float32(scaler.max_pods)).astype(np.float32)
        self.ready = self.ordered
        self._scaler = scaler
        self._share = np.float32(1 / (SYNCS_PER_MINUTE * scaler.target))
        self._above, self._below = np.float32(1 + scaler.tolerance), np.float32(1 - scaler.tolerance)
        syncs = round(scaler.ready_minutes * SYNCS_PER_MINUTE) + 1
        self._starting = Extreme(np.minimum, syncs, self.ordered)
        self._recommended = Extreme(np.maximum, STABILISATION_SYNCS, self.ordered)
        self._used = [np.minimum(demand, self.ready)] * SYNCS_PER_MINUTE

    def sync(self, demand: Counts, floor: Counts) -> NDArray[np.bool_]:
        """One sync; gives where the number of pods changed."""
        first, second, third, fourth = self._used
        needed = (first + second + third + fourth) * self._share
        self._used = [second, third, fourth, np.minimum(demand, self.ready)]
        recommended = np.maximum(self._by_cpu(needed), floor)
        highest = self._recommended.push(recommended)
        # Up: as recommended now. Down: to the highest of the window, unless that is above what there is.
        pods = np.maximum(recommended, np.minimum(highest, self.ordered))
        pods = np.minimum(
            pods, np.minimum(self._scaler.limit(self.ordered), np.float32(self._scaler.max_pods))
        )
        np.maximum(pods, ONE, out=pods)
        changed: NDArray[np.bool_] = pods != self.ordered
        self.ordered, self.ready = pods, self._starting.push(pods)
        return changed

    def _by_cpu(self, needed: Counts) -> Counts:
        """Pods by utilisation: as many as there are within the tolerance.

        Above the target, pods that start count as idle; they damp the way up, but do not turn it round (in the
        controller two comparisons, of the ratio over ready pods and over all; here they fall into one).
        """
        steady = (needed <= self.ordered * self._above) & (needed >= self.ready * self._below)
        return np.where(steady, self.ordered, np.ceil(needed - ROUNDING))


class Extreme:
    """Minimum or maximum of the last `size` rows, row by row (two running extremes of blocks, after van Herk, 1992)."""

    def __init__(self, of: np.ufunc, size: int, first: Counts) -> None:
        self._of, self._size = of, size
        self._block = [first] * size
        self._after = [first] * size  # extremes of the block before, from each of its rows to its end
        self._at, self._running = 0, first

    def push(self, row: Counts) -> Counts:
        """Take in a row; give the extreme of the newest `size`."""
        if self._at == self._size:
            for at in range(self._size - 2, -1, -1):
                self._block[at] = self._of(self._block[at], self._block[at + 1])
            self._after, self._block, self._at = self._block, [row] * self._size, 0
        self._running = self._of(self._running, row) if self._at else row
        self._block[self._at] = row
        self._at += 1
        if self._at == self._size:
            return self._running
        found: Counts = self._of(self._running, self._after[self._at])
        return found
