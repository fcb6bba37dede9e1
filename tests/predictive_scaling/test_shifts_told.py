"""A level shift moves the forecast of a training and of the runs between, and is told wherever people look."""

import json

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from predictive_scaling import steps
from predictive_scaling.__main__ import main
from predictive_scaling.backtest.folds import run_backtest
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.models import ModelOptions, recipes
from predictive_scaling.models.features import FeatureEngineer, deployments
from predictive_scaling.recommend.notes import notes
from predictive_scaling.steps.faults import from_services
from predictive_scaling.tell.gauges import gauges
from shift_kit import MONDAY, shifted
from usage_data import START, clean, usage, write

DAYS, HOURS = 21, 9
NOW = START + pd.Timedelta(days=DAYS)
SINCE = NOW - pd.Timedelta(hours=HOURS)


def data(days=DAYS, shifts_at=SINCE, times=2.0):
    """Usage of which checkout's is twice as high in the newest hours; search is as ever."""
    rng, tables = np.random.default_rng(7), []
    for service in ("checkout", "search"):
        raw = usage(service, days)
        hourly, daily = (
            np.repeat(np.exp(0.04 * rng.standard_normal(len(raw) // rows)), rows) for rows in (12, 288)
        )
        late = (pd.to_datetime(raw["timestamp"]) >= shifts_at) & (service == "checkout")
        tables.append(raw.assign(cpu=raw["cpu"] * hourly * daily * np.where(late, times, 1.0)))
    return pd.concat(tables)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("told")
    raw = write(data(), folder / "usage.csv")
    now = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    given = ["--input", raw, "--now", now, "--candidates", "blend", "--output", str(folder / "out")]
    assert main(["recommend", *given, "--registry", str(folder / "registry")]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def document(out):
    return json.loads((out / "recommendation.json").read_bytes())


def test_forecast_is_at_the_new_level(out):
    forecast = pd.read_csv(out / "cpu/forecast.csv")
    checkout, search = (forecast[forecast["service"] == name] for name in ("checkout", "search"))
    assert 1.5 < checkout["p50"].mean() / search["p50"].mean() < 2.1


def test_entry_says_since_when_and_how_far(document):
    shift = document["services"][0]["cpu"]["shift"]
    assert shift["since"] == SINCE.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert shift["level"] / shift["usual"] == pytest.approx(2.0, rel=0.1)
    assert shift["deployed"] is False
    assert all("shift" not in document["services"][1][metric] for metric in ("cpu", "memory"))


def test_document_is_valid(document):
    Draft202012Validator(json.loads(steps_schema())).validate(document)


def steps_schema():
    from importlib.resources import files

    return files("predictive_scaling").joinpath("schemas/recommendation.v1.schema.json").read_text()


def test_people_are_told_in_notes_and_error_log(document):
    (text,) = [text for metric, text in notes(document["services"][0]) if metric == "cpu"]
    assert text.startswith(f"cpu is at another level since {SINCE:%Y-%m-%dT%H:%M}Z: ")
    assert text.endswith(" ×); the forecast has moved with it")
    assert text in [fault.reason for fault in from_services(document)]


def test_report_lists_it(out):
    page = (out / "report.html").read_text()
    assert "<h2>Level shifts</h2>" in page
    part = page.split("<h2>Level shifts</h2>")[1].split("<h2>")[0]
    assert f'<th scope="row">checkout</th><td>cpu</td><td>{SINCE:%Y-%m-%d %H:%M} UTC</td>' in part
    assert "search" not in part


def test_gauge_says_how_far(document):
    found = gauges(document, with_floors=False)
    ratios = {
        service: [each.value for each in of if each.name == "shift_ratio"] for service, of in found.items()
    }
    assert ratios["checkout"] == [pytest.approx(2.0, rel=0.1)]
    assert ratios["search"] == []


def test_a_run_between_two_trainings_moves_and_tells_too(out, tmp_path):
    """The models of three weeks, and a shift that came after them."""
    later = data(DAYS + 1, NOW + pd.Timedelta(hours=12))
    cleaned = clean(later[pd.to_datetime(later["timestamp"]) < NOW + pd.Timedelta(hours=24)])
    features = FeatureEngineer().transform(cleaned)
    features.to_csv(tmp_path / "features", index=False)
    paths = [[str(tmp_path / f"{kind}-{m}") for m in ("cpu", "memory")] for kind in ("forecast", "model")]
    now = (NOW + pd.Timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    steps.forecast_current(
        str(tmp_path / "features"), str(out.parent / "registry"), *paths, str(tmp_path / "e"), 24, 15, now
    )
    shifts = {
        (each["service"], each["metric"]): each.get("shift")
        for each in json.loads((tmp_path / "e").read_bytes())["results"]
    }
    assert shifts["checkout", "cpu"]["since"] == (NOW + pd.Timedelta(hours=12)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert shifts["search", "cpu"] is None
    p50 = pd.read_csv(tmp_path / "forecast-cpu").groupby("service")["p50"].mean()
    assert 1.4 < p50["checkout"] / p50["search"] < 2.2


def test_origins_of_a_backtest_know_no_shift_of_later():
    """The same forecasts from every origin before a shift, whether it came or not."""
    at = 30 * 24
    plain, with_shift = (shifted("daily", 1, at, times) for times in (1.0, 3.0))
    models = recipes(["blend"], ModelOptions())
    tested = [
        run_backtest(HourlySeries(MONDAY, values), models, 24, 5, blend=True)
        for values in (plain, with_shift)
    ]
    before = [place for place, origin in enumerate(tested[0].origins) if origin <= MONDAY + at]
    assert 0 < len(before) < len(tested[0].origins)
    for kind, rows in tested[0].p50.items():
        np.testing.assert_array_equal(rows[before], tested[1].p50[kind][before])
    assert {origin for origin in tested[1].shifts if origin <= MONDAY + at} == set(tested[0].shifts) & {
        tested[0].origins[place] for place in before
    }
    assert any(origin > MONDAY + at for origin in tested[1].shifts)


def test_forecasts_after_a_shift_are_nearer_with_it(monkeypatch):
    at = 33 * 24 + 12
    series = HourlySeries(MONDAY, shifted("daily", 2, at, 2.5))
    models = recipes(["blend"], ModelOptions())
    moved = run_backtest(series, models, 24, 5, blend=True)
    monkeypatch.setattr("predictive_scaling.backtest.folds.shifts_at", lambda many, *_: [{} for _ in many])
    still = run_backtest(series, models, 24, 5, blend=True)
    missed = [np.abs(each.actual - each.p50["blend"])[-1].mean() for each in (moved, still)]
    assert missed[0] < 0.5 * missed[1]


def test_a_column_of_deployments_reaches_the_hours_of_features():
    raw = clean(usage(days=9))
    deployed = np.zeros(len(raw))
    deployed[100] = 1
    features = FeatureEngineer().transform(raw.assign(deployed=deployed))
    assert features["deployed"].sum() == 1
    assert deployments(features) == (int(START.timestamp()) // 3600 + 8,)
    assert deployments(FeatureEngineer().transform(raw)) == ()


def test_a_known_deployment_is_said_with_the_shift(tmp_path):
    raw = data(shifts_at=NOW - pd.Timedelta(hours=4), times=1.6)
    at = pd.to_datetime(raw["timestamp"])
    raw = raw.assign(
        deployed=((at == NOW - pd.Timedelta(hours=4)) & (raw["service"] == "checkout")).astype(int)
    )
    now = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    given = ["--input", write(raw, tmp_path / "usage.csv"), "--now", now, "--candidates", "blend"]
    assert main(["recommend", *given, "--output", str(tmp_path / "out")]) == 0
    document = json.loads((tmp_path / "out/recommendation.json").read_bytes())
    assert document["services"][0]["cpu"]["shift"]["deployed"] is True
    assert "after a deployment" in next(iter(notes(document["services"][0])))[1]
