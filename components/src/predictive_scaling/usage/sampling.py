"""How far apart the rows of a table are, and what is expected of them.

`freq` auto takes 5 minutes, or what the finest service of the table has where that is 15, 30 or 60 minutes. Ten minutes
are asked for and not taken: every second sample lost looks the same.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from predictive_scaling.usage.checks import AUTO, Finding, ValidationRules, warn

USUAL = ("10s", "15s", "30s", "1min", "2min", "3min", "5min", "10min", "15min", "20min", "30min", "1h", "2h", "3h",
         "6h", "12h", "1D")  # fmt: skip
TAKEN = ("15min", "30min", "1h")
_NEAR = 0.1


def sampling_of(timestamps: pd.Series[pd.Timestamp]) -> str:
    """The usual step that most rows are apart; empty where there is none."""
    apart = timestamps.drop_duplicates().sort_values().diff().dropna().dt.total_seconds()
    if apart.empty:
        return ""
    near = {
        name: float(apart.between((1 - _NEAR) * seconds, (1 + _NEAR) * seconds).mean())
        for name, seconds in ((name, pd.Timedelta(name).total_seconds()) for name in USUAL)
    }
    name = max(near, key=lambda each: near[each])
    return name if near[name] >= 0.5 else ""


def settled(rules: ValidationRules, found: dict[str, str]) -> ValidationRules:
    """The rules with a step: `found` is each service's, of which the finest counts."""
    if rules.freq != AUTO:
        return rules
    finest = min((name for name in found.values() if name), key=pd.Timedelta, default="")
    return replace(rules, freq=finest if finest in TAKEN else "5min")


def told(rules: ValidationRules, expected: ValidationRules) -> list[Finding]:
    """A step that was taken from the data, and is not the usual one."""
    if rules.freq != AUTO or expected.freq == "5min":
        return []
    return [warn("step", f"one row every {expected.freq}: judged by that step")]


def mismatch(found: str, rules: ValidationRules) -> str:
    """Why the quality is low, where rows are further apart than the rules expect."""
    if not found or pd.Timedelta(found) < 1.5 * rules.step:
        return ""
    most = "" if pd.Timedelta(found) <= pd.Timedelta("1h") else "; models need a row an hour at least"
    return f": rows are {found} apart, {rules.freq} were expected; say --freq {found} if that is their step{most}"
