"""What a check says and by which limits: findings, and the rules of a validation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from predictive_scaling.base.errors import InputError

METRICS = ("cpu", "memory")
LOAD = "load"
LOADS = ("requests", "queue")
"""Columns of load, requests a second and a queue's length: the first that a service has is its load."""
DEPLOYED = "deployed"
"""Column of deployments: above 0 in a row within whose step something was deployed."""
AUTO = "auto"
USUAL_STEP = pd.Timedelta("5min")


class Severity(StrEnum):
    """What a finding does."""

    FAIL = "fail"
    WARN = "warn"


@dataclass(frozen=True)
class Finding:
    """One defect: its check's short name and a sentence with figures.

    `metric` is cpu, memory or load, or empty when it concerns the first two; `at` is the instant of a change, or empty.
    """

    severity: Severity
    check: str
    text: str
    metric: str = ""
    at: str = ""


def fail(check: str, text: str, metric: str = "") -> Finding:
    """A finding that turns the service, or one metric of it, away."""
    return Finding(Severity.FAIL, check, text, metric)


def warn(check: str, text: str, metric: str = "", at: str = "") -> Finding:
    """A finding that is told and repaired."""
    return Finding(Severity.WARN, check, text, metric, at)


@dataclass(frozen=True)
class ValidationRules:
    """Limits. `freq` is the sampling step, or auto; `min_records` counts raw rows of a service; shares are 0–1.

    `min_records` is of rows every 5 minutes; of rows that are further apart as many fewer are needed.
    `max_stale_hours` 0 means two steps and an hour. `implausible` is what numbers do that can be no cores or bytes:
    fail or warn. Raises InputError for a value outside its range.
    """

    freq: str = AUTO
    min_records: int = 1000
    quality_threshold: float = 0.95
    min_days: float = 7
    max_gap_hours: float = 24.0
    max_stale_hours: float = 0.0
    stale_action: str = "fail"
    max_failed_share: float = 1.0
    max_services: int = 1000
    implausible: str = "fail"

    def __post_init__(self) -> None:
        for name in ("stale_action", "implausible"):
            if getattr(self, name) not in ("fail", "warn"):
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be fail or warn")
        for name in ("quality_threshold", "max_failed_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be between 0 and 1")
        if self.step <= pd.Timedelta(0):
            raise InputError(f"freq is {self.freq!r}; it must be positive")
        if self.max_stale_hours < 0 or self.max_services < 1:
            raise InputError("max_stale_hours must not be negative, max_services must be at least 1")

    @property
    def step(self) -> pd.Timedelta:
        """`freq` as a length of time; auto is the usual one until the data says otherwise."""
        if self.freq == AUTO:
            return USUAL_STEP
        try:
            return pd.Timedelta(self.freq)
        except ValueError as error:
            raise InputError(f"freq is {self.freq!r}; it must be auto, or like 5min") from error

    @property
    def records(self) -> int:
        """Raw rows that a service must have at this step."""
        return max(1, round(self.min_records * min(1.0, USUAL_STEP / self.step)))

    @property
    def stale_hours(self) -> float:
        """Age in hours from which the newest sample is stale."""
        return self.max_stale_hours or float(2 * self.step / pd.Timedelta(hours=1)) + 1.0
