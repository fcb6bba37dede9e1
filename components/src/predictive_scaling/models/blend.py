"""The blend: the weighted median of light models, weighted by how each did from earlier origins.

Weights are inverse errors to a fixed power, older origins counting less. A median, because the forecast that
minimises absolute error is a median, and because one member that goes wrong cannot draw it away. Combinations of
forecasts beat the choice of one on most series: Bates & Granger, "The combination of forecasts" (1969); Makridakis et
al., "The M4 Competition" (2020). Members and constants were found on some 640 series of seven public sources, none
of them shipped, one half to try and the other to check; the constants are round numbers in a wide flat optimum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, HourlySeries
from predictive_scaling.models.base import Fitted

KIND = "blend"
MEMBERS = (
    *("last", "median_3h", "median_6h", "median_12h", "snaive_1d", "snaive_7d", "median_1d", "median_7d"),
    *("theta", "profile_damped", "profile_log"),
)
POWER = 4.0
DECAY = 0.9  # weight of an origin against the next newer one
TINY = 1e-12


@dataclass(frozen=True)
class Record:
    """How members did: mean absolute error, and by how much evidence (newest origin 1, older ones less; or none)."""

    error: FloatArray
    evidence: FloatArray

    @staticmethod
    def of(errors: FloatArray) -> Record:
        """From mean absolute errors (origins × members, oldest first, NaN where unknown)."""
        age = np.arange(len(errors))[::-1]
        counted = np.where(np.isfinite(errors), DECAY ** age[:, None], 0.0)
        total = counted.sum(axis=0)
        return Record((np.nan_to_num(errors) * counted).sum(axis=0) / np.where(total > 0, total, 1.0), total)

    def weights(self) -> FloatArray:
        """Weights that sum to 1; who was never judged weighs nothing. Without any known error all weigh the same."""
        known = self.evidence > 0
        if not known.any():
            return np.full(len(known), 1.0 / len(known))
        # The smallest number stands for zero: a perfect member takes all, and several share.
        least = np.maximum(self.error, TINY * max(float(self.error.max()), TINY))
        raw = np.where(known, (least[known].min() / least) ** POWER, 0.0)
        weights: FloatArray = raw / raw.sum()
        return weights

    def with_newest(self, errors: FloatArray, days: float) -> Record:
        """The record some days later, the errors of its newest day taken in: all of them from a day on."""
        old, share = self.evidence * DECAY**days, min(days, 1.0)
        total = old + share
        return Record((self.error * old + errors * share) / np.where(total > 0, total, 1.0), total)

    def only(self, chosen: Sequence[int]) -> Record:
        """Some of the members."""
        return Record(self.error[list(chosen)], self.evidence[list(chosen)])


def weights_of(errors: FloatArray) -> FloatArray:
    """Weights from mean absolute errors; see Record."""
    return Record.of(errors).weights()


def weighted_median(forecasts: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted median by hour of forecasts (members × hours); between two equal halves, their mean."""
    order = np.argsort(forecasts, axis=0, kind="stable")
    ordered = np.take_along_axis(forecasts, order, axis=0)
    reached = np.cumsum(weights[order], axis=0)
    half = reached[-1] / 2
    low = np.argmax(reached >= half * (1 - 1e-9), axis=0)
    high = np.argmax(reached > half * (1 + 1e-9), axis=0)
    hours = np.arange(forecasts.shape[1])
    median: FloatArray = (ordered[low, hours] + ordered[high, hours]) / 2
    return median


@dataclass(frozen=True)
class FittedBlend:
    """Fitted members, and how they did until an hour (since 1970)."""

    members: tuple[Fitted, ...]
    record: Record
    until: int
    kind: str = KIND

    def forecast(self, hours: int) -> FloatArray:
        """Weighted median of the members' forecasts."""
        return weighted_median(_forecasts(self.members, hours), self.record.weights())

    def updated(self, recent: HourlySeries) -> FittedBlend:
        """Updates every member; weighs them anew by the newest day, as each would have forecast it from its begin.

        Weights of six days ago cost half a point of accuracy, and the newest day brings all of it back.
        """
        members = tuple(each.updated(recent) for each in self.members)
        days = (recent.end - self.until) / HOURS_PER_DAY
        earlier = recent.between(recent.start, recent.end - HOURS_PER_DAY)
        missed = recent.values[-HOURS_PER_DAY:]
        if days <= 0 or not earlier.observed or not np.isfinite(missed).any():
            return FittedBlend(members, self.record, self.until)
        then = _forecasts([each.updated(earlier) for each in self.members], HOURS_PER_DAY)
        errors = np.nanmean(np.abs(missed - then), axis=1)
        return FittedBlend(members, self.record.with_newest(errors, days), recent.end)

    def to_json(self) -> Document:
        """State: kind, record and state of every member."""
        rows = zip(self.members, self.record.error.tolist(), self.record.evidence.tolist(), strict=True)
        return {
            "until": self.until,
            "members": [
                {"kind": each.kind, "error": error, "evidence": evidence, "state": each.to_json()}
                for each, error, evidence in rows
            ],
        }

    @staticmethod
    def reader(readers: Mapping[str, Callable[[Document], Fitted]]) -> Callable[[Document], FittedBlend]:
        """Give the function that reads a state back; it raises ValueError for a record that is none."""

        def read(state: Document) -> FittedBlend:
            found = [(str(each["kind"]), each["state"]) for each in state["members"]]
            record = Record(
                *(
                    np.array([float(each[name]) for each in state["members"]])
                    for name in ("error", "evidence")
                )
            )
            if not found or min(record.error.min(), record.evidence.min()) < 0:
                raise ValueError("a blend needs members, their errors and evidence not negative")
            if any(kind not in MEMBERS for kind, _ in found):
                raise ValueError(f"a blend has members of {', '.join(MEMBERS)}")
            return FittedBlend(
                tuple(readers[kind](part) for kind, part in found), record, int(state["until"])
            )

        return read


def _forecasts(members: Sequence[Fitted], hours: int) -> FloatArray:
    return np.array([each.forecast(hours) for each in members])
