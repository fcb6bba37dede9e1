"""A service's load through all steps: validated, forecast, told with what it costs, and followed by floors."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import predictive_scaling
import pytest
from load_kit import loaded
from predictive_scaling import steps
from predictive_scaling.__main__ import main
from predictive_scaling.backtest.evaluation import Gates
from predictive_scaling.backtest.training import TrainingOptions
from predictive_scaling.base.clock import parse_instant
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.recommend.trusted import require_trusted
from predictive_scaling.tell.gauges import gauges
from predictive_scaling.usage.validation import DataValidator, ValidationRules
from usage_data import end_of, write

SCHEMA = json.loads(
    (Path(predictive_scaling.__file__).parent / "schemas/recommendation.v1.schema.json").read_bytes()
)
LIGHT = TrainingOptions(candidates=("blend", "snaive_1d", "snaive_7d", "last"))
USAGE, ALL = ("cpu", "memory"), ("cpu", "memory", "load")


class Run:
    """All steps over one table; the load is forecast where it is asked for."""

    def __init__(self, root, raw, *, load=True, registry=""):
        self.root, self.metrics = root, ALL if load else USAGE
        root.mkdir(parents=True, exist_ok=True)
        raw.to_csv(root / "raw", index=False)
        self.now = str(raw["timestamp"].max())
        self._data()
        for metric in self.metrics:
            paths = [self.path(f"{name}-{metric}") for name in ("model", "cv", "forecast")]
            steps.train_model(self.path("features"), *paths, metric, "", LIGHT)
        of = [self.path(f"{name}-{metric}") for name in ("cv", "forecast") for metric in USAGE]
        more = {f"{name}_load": self.path(f"{name}-load") for name in ("cv", "forecast")} if load else {}
        outputs = self.path("features"), self.path("evaluation"), self.path("report"), Gates()
        self.judged = steps.validate_model(*of, *outputs, validation=self.path("validation"), **more)
        self.publish(registry)

    def _data(self):
        names = ("raw", "clean", "validation", "verdict")
        checked = steps.validate_data(*map(self.path, names), ValidationRules(), self.now)
        where = self.path("clean"), self.path("features"), checked.services, "1h", 45, self.path("validation")
        steps.engineer_features(*where)

    def publish(self, registry=""):
        forecasts, models = (
            [self.path(f"{name}-{m}") for m in self.metrics] for name in ("forecast", "model")
        )
        shaped = steps.Surroundings({"checkout": {"cores": 0.5}})
        steps.publish_recommendation(
            self.path("clean"), self.path("validation"), forecasts, models, self.path("evaluation"),
            self.path("recommendation"), self.path("proposal"), PlanOptions(),
            "publish" if registry else "forecast_only", registry, "run-1", self.now,
            around=shaped, error_log=self.path("errors"), report=steps.Report(self.path("actions")),
        )  # fmt: skip
        self.document = json.loads((self.root / "recommendation").read_bytes())
        jsonschema.validate(self.document, SCHEMA)
        self.service = self.document["services"][0]

    def path(self, name):
        return str(self.root / name)

    def floors(self):
        return np.array([each["wanted"] for each in self.service["cpu"]["floors"]])

    def errors(self):
        return [each["reason"] for each in json.loads((self.root / "errors").read_bytes())["errors"]]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("load")


@pytest.fixture(scope="module")
def slower(root):
    """Code got slower by half six hours before the run."""
    return Run(root / "slower", loaded(slower_from=21.75), registry=str(root / "registry"))


@pytest.fixture(scope="module")
def steady(root):
    return Run(root / "steady", loaded())


def test_floors_follow_slower_code_within_hours(root, slower, steady):
    ever = Run(root / "ever", loaded(slower_from=0).drop(columns="requests"), load=False)
    blind = Run(root / "blind", loaded(slower_from=21.75).drop(columns="requests"), load=False)
    assert np.abs(slower.floors() - ever.floors()).max() <= 1
    assert slower.floors().sum() >= 1.4 * steady.floors().sum()
    assert (
        blind.floors().sum() < 1.1 * steady.floors().sum()
    )  # what the load is worth: usage alone does not know it


def test_forecast_and_request_follow_as_well(slower, steady):
    for name in ("p50", "p95", "capacity"):
        after, before = (sum(each[name] for each in run.service["cpu"]["blocks"]) for run in (slower, steady))
        assert after / before == pytest.approx(1.5, rel=0.12)


def test_slower_code_is_told_with_its_figures_and_its_hour(slower):
    told = [text for text in slower.errors() if "code got slower" in text]
    change = slower.service["load"]["change"]
    assert abs(parse_instant(change["since"]) - parse_instant("2026-01-26T18:00:00Z")).total_seconds() <= 3600
    before, after = round(change["before"] * 1000, 1), round(change["after"] * 1000, 1)
    assert told == [
        f"code got slower: {before:g} → {after:g} ms of core per request since {change['since'][:16]}Z"
    ]
    assert change["after"] / change["before"] == pytest.approx(1.5, rel=0.1)
    assert slower.service["load"]["cores_per_unit"] == pytest.approx(0.018, rel=0.1)


def test_noise_changes_nothing(steady):
    assert steady.errors() == []
    assert "change" not in steady.service["load"]


def test_load_is_forecast_in_its_unit(steady):
    load = steady.service["load"]
    assert (load["unit"], load["source"]) == ("requests/s", "blend")
    assert load["accuracy"] > 0.85
    assert len(load["blocks"]) == 6
    assert all(50 < each["p50"] <= each["p95"] < 500 for each in load["blocks"])
    assert steady.judged.decision["checkout"]["load"] == "model"


def test_report_and_page_show_it(slower):
    report, page = ((slower.root / name).read_text() for name in ("report", "actions"))
    assert "<td>load</td>" in report
    assert "checkout load in requests/s" in report
    assert "ms of core per request" in page


def test_gauges_and_trust(slower):
    pushed = gauges(slower.document, with_floors=True)["checkout"]
    of_load = [each for each in pushed if "load" in each.name or ("metric", "load") in each.labels]
    found = {(each.name, dict(each.labels).get("quantile")): each.value for each in of_load}
    assert found["cores_per_load", None] == slower.service["load"]["cores_per_unit"]
    assert found["cores_per_load_change", None] == pytest.approx(1.5, rel=0.1)
    assert found["forecast", "0.95"] == slower.service["load"]["blocks"][0]["p95"]
    assert ("fallback", None) not in found
    assert require_trusted(slower.document, parse_instant(slower.now), "it") is slower.document


@pytest.mark.parametrize(
    ("name", "value"),
    [("cores_per_unit", 1e300), ("cores_per_unit", -1.0), ("unit", "apples"), ("earlier", 0)],
)
def test_loads_that_cannot_be_ours_are_not_trusted(slower, name, value):
    load = slower.service["load"] | {name: value}
    document = slower.document | {"services": [slower.service | {"load": load}]}
    with pytest.raises(Exception, match="not to be trusted"):
        require_trusted(document, parse_instant(slower.now), "it")


def test_models_in_force_forecast_the_load_too(root, slower):
    """The daily run, a day on: nothing is trained, and the load's model is among those in force."""
    pointer = json.loads((root / "registry/current.json").read_bytes())
    assert set(pointer["models"]["checkout"]) == set(ALL)
    outputs = [[str(root / f"daily-{name}-{m}") for m in ALL] for name in ("forecast", "model")]
    told = steps.forecast_current(
        slower.path("features"),
        str(root / "registry"),
        *outputs,
        str(root / "daily-evaluation"),
        24,
        15.0,
        slower.now,
    )
    assert told.accepted
    forecast = pd.read_csv(outputs[0][2])
    assert set(forecast["metric"]) == {"load"}
    assert forecast["p95"].notna().all()


def test_without_load_nothing_is_said_of_it(root):
    run = Run(root / "none", loaded(days=15).drop(columns="requests"), load=True)
    assert "load" not in run.service
    assert set(run.judged.decision["checkout"]) == set(USAGE)
    bare = Run(root / "bare", loaded(days=15).drop(columns="requests"), load=False)
    for name in ("clean", "features", "evaluation", "report", "recommendation"):
        assert (run.root / name).read_bytes() == (bare.root / name).read_bytes()


def test_recommend_forecasts_the_load_that_is_there(tmp_path, capsys):
    table = write(loaded(days=15, slower_from=14.75), tmp_path / "usage.csv")
    folder, now = str(tmp_path / "out"), end_of(loaded(days=15))
    assert (
        main(["recommend", "--input", table, "--output", folder, "--now", now, "--candidates", "blend"]) == 0
    )
    document = json.loads((tmp_path / "out/recommendation.json").read_bytes())
    assert document["services"][0]["load"]["source"] == "blend"
    assert "checkout: code got slower: 12" in capsys.readouterr().out


def test_hours_of_events_are_learnt_of_no_metric(root, steady):
    event = {
        "services": ["*"],
        "from": "2026-01-20T00:00:00Z",
        "to": "2026-01-21T00:00:00Z",
        "learn": False,
        "reason": "sale",
    }
    where = steady.path("clean"), str(root / "unlearnt"), ["checkout"], "1h", 45
    steps.engineer_features(*where, events=[event])
    features = pd.read_csv(root / "unlearnt", parse_dates=["timestamp"]).set_index("timestamp")
    assert features.loc["2026-01-20", ["cpu", "memory", "requests"]].isna().all(axis=None)
    assert features["requests"].notna().sum() == len(features) - 24


def validated(raw):
    rules = ValidationRules(min_records=100, min_days=2)
    return DataValidator(rules, parse_instant(str(raw["timestamp"].max()))).validate(raw)


def refused(result):
    return [each.text for each in result.services[0].findings if each.severity == "fail"]


def test_raw_counters_are_no_load_and_turn_nothing_else_away():
    raw = loaded(days=4)
    result = validated(raw.assign(requests=(300 * raw["requests"]).cumsum()))
    assert result.passed
    assert result.services[0].passing == list(USAGE)
    assert any("a raw counter? Take its rate" in text for text in refused(result))
    assert result.clean["requests"].isna().all()


@pytest.mark.parametrize("value", [-1.0, np.inf, 1e15])
def test_values_that_are_no_load_are_missing(value):
    raw = loaded(days=4)
    raw.loc[100:102, "requests"] = value
    result = validated(raw)
    assert result.services[0].metrics == list(ALL)
    assert result.clean["requests"].isna().sum() == 3
    assert refused(result) == []


def test_text_is_no_load():
    raw = loaded(days=4).astype({"requests": object})
    raw.loc[:, "requests"] = "many"
    result = validated(raw)
    assert result.passed
    assert any("not numbers" in each.text and each.metric == "load" for each in result.services[0].findings)


def test_a_load_with_holes_is_refused_alone():
    raw = loaded(days=4)
    raw.loc[::3, "requests"] = np.nan
    result = validated(raw)
    assert (result.passed, result.quality_score) == (True, 1.0)
    assert result.services[0].reasons_of("load") == ("requests: quality 0.667 < 0.95",)


def test_queues_serve_as_load():
    result = validated(loaded(days=4, column="queue"))
    assert result.services[0].metrics == list(ALL)
    assert "queue" in result.clean.columns
