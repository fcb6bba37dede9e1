"""Every defect that validation knows, injected into real data: caught, named, and routed to model or fallback."""

from __future__ import annotations

import functools
import json

import numpy as np
import pandas as pd
import pytest
from predictive_scaling import steps
from predictive_scaling.backtest.evaluation import Gates
from predictive_scaling.backtest.training import TrainingOptions
from predictive_scaling.base.clock import parse_instant
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.usage.sources import load_usage
from predictive_scaling.usage.tables import read_csv
from predictive_scaling.usage.validation import DataValidator, ValidationRules
from project import HERE
from usage_data import write

NOW = "2024-02-02T22:10:00Z"  # just after the sample ends
SOUND, SICK = "smd-1-6", "smd-2-1"
BORG = HERE / "data/usage/borg2019_tasks_5min_raw.csv.gz"
BOTH, NONE = ["cpu", "memory"], []


@functools.cache
def sample():
    raw = load_usage("sample:smd_servers_5min")
    return raw[raw["service"].isin([SOUND, SICK])].reset_index(drop=True)


def judge(raw, now=NOW, **rules):
    return DataValidator(ValidationRules(**rules), parse_instant(now)).validate(raw)


def injected(change):
    """The sample with the rows of one service changed."""
    raw = sample()
    return pd.concat([raw[raw["service"] == SOUND], change(raw[raw["service"] == SICK].copy())])


def every(share, column, value):
    """Put a value into a share of a column's rows."""

    def change(rows):
        hit = np.arange(len(rows)) % round(1 / share) == 0
        return rows.assign(**{column: rows[column].astype(object).mask(hit, value)})

    return change


def without(first, last):
    """Cut out the days [first, last), counted from the end."""

    def change(rows):
        at = pd.to_datetime(rows["timestamp"])
        end = at.max()
        return rows[(at < end - pd.Timedelta(days=first)) | (at >= end - pd.Timedelta(days=last))]

    return change


def only(metric, change):
    """Make a change of rows to one metric: where the change drops a row, the metric is missing."""

    def apply(rows):
        return rows.assign(**{metric: rows[metric].where(rows.index.isin(change(rows).index))})

    return apply


def shifted(text):
    return lambda rows: rows.assign(timestamp=rows["timestamp"].map(text))


def doubled(share, **change):
    def apply(rows):
        return pd.concat([rows, rows.head(round(share * len(rows))).assign(**change)])

    return apply


def stuck(rows):
    return rows.assign(cpu=np.where(np.arange(len(rows)) % 2000 < 400, 0.123, rows["cpu"]))


def limited(rows):
    return rows.assign(cpu_limit=np.where(np.arange(len(rows)) < 4000, 2.0, 1.5))


TURNED_AWAY = {
    # defect: (change, name of the check, metrics that still pass)
    "service name": (lambda rows: rows.assign(service="Not_DNS"), "name", NONE),
    "too few records": (lambda rows: rows.tail(900), "records", NONE),
    "no zone": (shifted(lambda text: text.rstrip("Z")), "timestamps", NONE),
    "unreadable instants": (every(0.01, "timestamp", "yesterday"), "timestamps", NONE),
    "epoch numbers": (shifted(lambda text: str(int(pd.Timestamp(text).timestamp()))), "timestamps", NONE),
    "milliseconds read as seconds": (every(0.01, "timestamp", "1970-01-20T17:00:00Z"), "timestamps", NONE),
    "seconds read as milliseconds": (every(0.01, "timestamp", "2150-01-01T00:00:00Z"), "timestamps", NONE),
    "many duplicates": (doubled(0.02), "duplicates", NONE),
    "conflicting values": (doubled(0.0002, cpu=0.999), "duplicates", NONE),
    "short history": (lambda rows: rows.tail(288 * 5), "history", NONE),
    "recent gap": (without(4, 2.5), "gaps", NONE),
    "recent gap in one metric": (only("memory", without(4, 2.5)), "gaps", ["cpu"]),
    "lost samples": (lambda rows: rows.iloc[::2], "quality", NONE),
    "not a number": (every(0.1, "cpu", "n/a"), "quality", ["memory"]),
    "missing": (every(0.1, "memory", float("nan")), "quality", ["cpu"]),
    "infinite": (every(0.1, "cpu", float("inf")), "quality", ["memory"]),
    "negative": (every(0.1, "memory", -1.0), "quality", ["cpu"]),
    "zero memory": (every(0.02, "memory", 0.0), "zero", ["cpu"]),
    "stale": (without(2, -1), "stale", NONE),
    "stale in one metric": (only("cpu", without(0.5, -1)), "stale", ["memory"]),
}

REPAIRED = {
    # defect: (change, name of the check)
    "few duplicates": (doubled(0.0005), "duplicates"),
    "few negative": (every(0.01, "cpu", -1.0), "negative"),
    "few infinite": (every(0.01, "cpu", float("inf")), "finite"),
    "few without number": (every(0.01, "memory", "n/a"), "finite"),
    "above the limit": (lambda rows: rows.assign(cpu_limit=rows["cpu"].quantile(0.99) / 1.1), "limit"),
    "memory above the limit": (lambda rows: rows.assign(memory_limit=rows["memory"].quantile(0.99)), "limit"),
    "changed limit": (limited, "capacity"),
    "stuck collector": (stuck, "flat"),
    "off the grid": (shifted(lambda text: text.replace(":00Z", ":07Z")), "slot"),
    "out of order": (lambda rows: rows.iloc[::-1], "order"),
    "from the future": (every(0.001, "timestamp", "2024-02-03T05:00:00Z"), "future"),
    "no second week": (lambda rows: rows.tail(288 * 10), "history"),
}


def findings(result, service=SICK):
    (found,) = (each for each in result.services if each.service == service)
    return found


def test_clean_data_passes_without_a_finding():
    result = judge(sample())
    assert result.passed
    assert [each.passing for each in result.services] == [BOTH, BOTH]
    assert [each.findings for each in result.services] == [(), ()]


@pytest.mark.parametrize("defect", TURNED_AWAY)
def test_defect_is_caught_named_and_takes_only_its_own_away(defect):
    change, check, passing = TURNED_AWAY[defect]
    result = judge(injected(change), min_records=1000)
    sick = findings(result, "Not_DNS" if check == "name" else SICK)
    assert sick.passing == passing
    assert check in {found.check for found in sick.findings if found.severity == "fail"}
    assert findings(result, SOUND).passing == BOTH
    assert result.passed
    assert sick.reasons[0] in result.reason


@pytest.mark.parametrize("defect", REPAIRED)
def test_small_defect_is_repaired_and_named(defect):
    change, check = REPAIRED[defect]
    sick = findings(judge(injected(change)))
    assert sick.passing == BOTH
    assert check in {found.check for found in sick.findings if found.severity == "warn"}


@pytest.mark.parametrize("column", ["timestamp", "service", "cpu", "memory"])
def test_missing_column_fails_the_data_by_name(column):
    result = judge(sample().drop(columns=column))
    assert not result.passed
    assert f"missing columns: {column}" in result.reason


def test_old_gap_is_told_and_the_share_decides():
    result = judge(injected(without(20, 18.5)))
    assert {"gaps", "quality"} & {found.check for found in findings(result).findings}
    assert findings(judge(injected(without(20, 18.9)))).passing == BOTH


def test_run_fails_when_none_is_left_or_too_many_fail():
    broken = injected(lambda rows: rows.tail(900))
    assert judge(broken).passed
    assert not judge(broken, max_failed_share=0.4).passed
    assert not judge(broken[broken["service"] == SICK]).passed


def test_tasks_of_a_borg_job_are_turned_away_one_by_one():
    raw = read_csv(BORG)
    result = judge(raw, now=str(raw["timestamp"].max()))
    assert not result.passed
    assert len(result.services) == 9
    checks = {
        each.service: {found.check for found in each.findings if found.severity == "fail"}
        for each in result.services
    }
    assert all("quality" in found for found in checks.values())
    # The one instant with two values, and the tasks that ended before the others, worked out from the file itself.
    assert [name for name, found in checks.items() if "duplicates" in found] == ["borg-113-82"]
    ended = raw.groupby("service")["timestamp"].max()
    late = pd.to_datetime(ended) < pd.to_datetime(ended.max()) - pd.Timedelta(minutes=70)
    assert {name for name, found in checks.items() if "stale" in found} == set(late[late].index)
    assert result.quality_score == pytest.approx(0.29, abs=0.02)


def test_metric_that_fails_goes_to_the_fallback_and_the_other_to_a_model(tmp_path):
    paths = {name: str(tmp_path / name) for name in ("raw", "clean", "validation", "report", "features")}
    write(injected(only("memory", without(4, 2.5))), tmp_path / "raw")
    rules = ValidationRules()
    checked = steps.validate_data(
        paths["raw"], paths["clean"], paths["validation"], paths["report"], rules, NOW
    )
    assert checked.passed
    steps.engineer_features(
        paths["clean"], paths["features"], checked.services, "1h", 45, paths["validation"]
    )
    options = TrainingOptions(candidates=("blend",))
    parts = {m: [str(tmp_path / f"{m}-{n}") for n in ("model", "cv", "forecast")] for m in BOTH}
    for metric, made in parts.items():
        steps.train_model(paths["features"], *made, metric, "", options)
    evaluation, recommendation = str(tmp_path / "evaluation"), str(tmp_path / "recommendation")
    cv, forecasts, models = ([parts[m][at] for m in BOTH] for at in (1, 2, 0))
    gates = Gates(accuracy_threshold=0.0, min_skill=-1.0, max_over95=1.0)
    steps.validate_model(*cv, *forecasts, paths["features"], evaluation, str(tmp_path / "html"), gates)
    steps.publish_recommendation(
        paths["clean"], paths["validation"], forecasts, models, evaluation, recommendation,
        str(tmp_path / "proposal"), PlanOptions(), "forecast_only", "", "run-1", NOW,
    )  # fmt: skip
    document = json.loads((tmp_path / "recommendation").read_bytes())
    by_service = {each["service"]: each for each in document["services"]}
    assert by_service[SICK]["cpu"]["source"] == "blend"
    assert by_service[SICK]["memory"]["source"] == "fallback"
    assert by_service[SICK]["memory"]["reason"].startswith("gap of 36")
