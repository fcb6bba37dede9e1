"""The checks of one service. Each repairs or counts one defect that was seen in real usage data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import pandas as pd

from predictive_scaling.errors import InputError

METRICS = ("cpu", "memory")
LIMIT_TOLERANCE = {"cpu": 1.1, "memory": 1.0}  # cpu bursts above its limit are real; memory cannot exceed it
MAX_DUPLICATES = 0.01
MAX_ZERO_MEMORY = 0.01  # a running container never uses no memory at all
RECENT_DAYS = 7
FLAT_HOURS = 24
FUTURE_TOLERANCE = pd.Timedelta(minutes=5)
EARLIEST, LATEST = pd.Timestamp("2000-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC")


class Severity(StrEnum):
    """What a finding does."""

    FAIL = "fail"
    WARN = "warn"


@dataclass(frozen=True)
class Finding:
    """One defect: its check's short name and a sentence with figures."""

    severity: Severity
    check: str
    text: str


@dataclass(frozen=True)
class ValidationRules:
    """Limits. `freq` is the sampling step; `min_records` counts raw rows of a service; shares are 0–1.

    Raises InputError for a value outside its range.
    """

    freq: str = "5min"
    min_records: int = 1000
    quality_threshold: float = 0.95
    min_days: int = 14
    max_gap_hours: float = 24.0
    max_stale_hours: float = 2.0
    stale_action: str = "fail"
    max_failed_share: float = 1.0

    def __post_init__(self) -> None:
        if self.stale_action not in ("fail", "warn"):
            raise InputError(f"stale_action is {self.stale_action!r}; it must be fail or warn")
        for name in ("quality_threshold", "max_failed_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be between 0 and 1")
        if self.step <= pd.Timedelta(0):
            raise InputError(f"freq is {self.freq!r}; it must be positive")

    @property
    def step(self) -> pd.Timedelta:
        """`freq` as a length of time."""
        try:
            return pd.Timedelta(self.freq)
        except ValueError as error:
            raise InputError(f"freq is {self.freq!r}; it must be like 5min") from error


class ServiceChecks:
    """Runs all checks over one service's rows, collecting findings on the way."""

    def __init__(self, rules: ValidationRules, now: pd.Timestamp) -> None:
        self._rules = rules
        self._now = now
        self._findings: list[Finding] = []

    def run(self, rows: pd.DataFrame) -> tuple[float, tuple[Finding, ...], pd.DataFrame]:
        """Give quality (0–1), findings, and the repaired slots of the service."""
        self._check_records(rows)
        timed = self._without_duplicates(self._timestamps(rows))
        clean = self._slots(self._values(timed))
        if clean.empty:
            self._fail("history", "no usable rows")
            return 0.0, tuple(self._findings), clean
        quality = self._quality(clean)
        self._check_span(clean)
        self._check_gaps(clean)
        self._check_flat(clean)
        return quality, tuple(self._findings), clean

    def _fail(self, check: str, text: str) -> None:
        self._findings.append(Finding(Severity.FAIL, check, text))

    def _warn(self, check: str, text: str) -> None:
        self._findings.append(Finding(Severity.WARN, check, text))

    def _check_records(self, rows: pd.DataFrame) -> None:
        if len(rows) < self._rules.min_records:
            self._fail("records", f"{len(rows)} records, at least {self._rules.min_records} are needed")

    def _timestamps(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Keep rows whose instant is certain. A time without zone is a guess, and a wrong epoch is not of this age."""
        text = rows["timestamp"].fillna("")
        zoned = text.str.contains(r"(?:[Zz]|[+-]\d\d:?\d\d)$", regex=True)
        parsed = pd.to_datetime(text, utc=True, format="ISO8601", errors="coerce")
        sane = (parsed >= EARLIEST) & (parsed < LATEST)
        self._fail_if((parsed.notna() & ~zoned).sum(), "timestamps", "timestamps without time zone")
        self._fail_if((parsed.isna()).sum(), "timestamps", "timestamps that cannot be read")
        self._fail_if((parsed.notna() & zoned & ~sane).sum(), "timestamps", "timestamps outside 2000–2100")
        future = parsed > self._now + FUTURE_TOLERANCE
        self._warn_if((future & sane).sum(), "future", "rows from the future dropped")
        return rows.assign(timestamp=parsed)[zoned & sane & ~future].sort_values("timestamp", kind="stable")

    def _fail_if(self, count: int, check: str, text: str) -> None:
        if count:
            self._fail(check, f"{count} {text}")

    def _warn_if(self, count: int, check: str, text: str) -> None:
        if count:
            self._warn(check, f"{count} {text}")

    def _without_duplicates(self, rows: pd.DataFrame) -> pd.DataFrame:
        distinct = rows.drop_duplicates()
        dropped = len(rows) - len(distinct)
        if dropped > MAX_DUPLICATES * len(rows):
            self._fail("duplicates", f"{dropped} duplicate rows ({dropped / len(rows):.1%})")
        else:
            self._warn_if(dropped, "duplicates", "duplicate rows dropped")
        conflicting = distinct["timestamp"].duplicated().sum()
        self._fail_if(conflicting, "duplicates", "timestamps with conflicting values")
        return distinct

    def _values(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Make negative, infinite and impossible values missing, and a broken memory column missing as a whole."""
        return rows.assign(**{metric: self._usable(rows, metric) for metric in METRICS})

    def _usable(self, rows: pd.DataFrame, metric: str) -> pd.Series[float]:
        values = rows[metric].astype("float64")
        negative, infinite = values < 0, values.abs() == float("inf")
        self._warn_if(negative.sum(), metric, f"negative {metric} values counted as missing")
        above = pd.Series(False, index=rows.index)
        if f"{metric}_limit" in rows.columns:
            above = values > LIMIT_TOLERANCE[metric] * rows[f"{metric}_limit"]
            self._warn_if(above.sum(), metric, f"{metric} values above the limit counted as missing")
        zeros = float((values == 0).mean()) if len(values) else 0.0
        if metric == "memory" and zeros > MAX_ZERO_MEMORY:
            self._warn("memory", f"memory is 0 in {zeros:.1%} of rows: the whole metric is refused")
            return values.where(values.isna())
        return values.mask(negative | infinite | above)

    def _slots(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Mean of each slot; samplers drift by seconds, so rows off the grid are normal."""
        slotted = rows.assign(timestamp=rows["timestamp"].dt.floor(self._rules.freq))
        maxima = {f"{metric}_max": "max" for metric in METRICS if f"{metric}_max" in rows.columns}
        grouped = slotted.groupby("timestamp", sort=True).agg({"cpu": "mean", "memory": "mean", **maxima})
        return grouped.dropna(subset=list(METRICS), how="all").reset_index()

    def _quality(self, clean: pd.DataFrame) -> float:
        """Usable share of the slots from first to last; a metric refused as a whole does not count."""
        judged = [metric for metric in METRICS if clean[metric].notna().any()]
        expected = (clean["timestamp"].iloc[-1] - clean["timestamp"].iloc[0]) // self._rules.step + 1
        quality = len(clean.dropna(subset=judged)) / int(expected)
        if quality < self._rules.quality_threshold:
            self._fail("quality", f"quality {quality:.3f} < {self._rules.quality_threshold:.3f}")
        return quality

    def _check_span(self, clean: pd.DataFrame) -> None:
        first, last = clean["timestamp"].iloc[0], clean["timestamp"].iloc[-1]
        days = (last + self._rules.step - first) / pd.Timedelta(days=1)
        if days < self._rules.min_days:
            self._fail("history", f"{days:.1f} days of history, at least {self._rules.min_days} are needed")
        stale = (self._now - last) / pd.Timedelta(hours=1)
        if stale > self._rules.max_stale_hours:
            text = (
                f"newest sample is {stale:.1f} h old, at most {self._rules.max_stale_hours:g} h are allowed"
            )
            (self._fail if self._rules.stale_action == "fail" else self._warn)("stale", text)

    def _check_gaps(self, clean: pd.DataFrame) -> None:
        stamps = list(clean["timestamp"])
        limit = pd.Timedelta(hours=self._rules.max_gap_hours)
        recent = stamps[-1] - pd.Timedelta(days=RECENT_DAYS)
        gaps = [(before, after) for before, after in pairwise(stamps) if after - before > limit]
        for before, after in gaps:
            report = self._fail if after > recent else self._warn
            report(
                "gaps",
                f"gap of {(after - before) / pd.Timedelta(hours=1):.1f} h from {before:%Y-%m-%dT%H:%MZ}",
            )

    def _check_flat(self, clean: pd.DataFrame) -> None:
        """The same cpu value for a day means a stuck scraper; memory may truly be constant."""
        run = clean["cpu"].ne(clean["cpu"].shift()).cumsum()
        longest = int(run.value_counts().max()) * (self._rules.step / pd.Timedelta(hours=1))
        if longest >= FLAT_HOURS:
            self._warn("flat", f"cpu does not change for {longest:.0f} h")
