"""The steps in the order of the pipeline, on the shipped sample: two services, light models."""

import json
from pathlib import Path

import jsonschema
import pandas as pd
import predictive_scaling
import pytest
from predictive_scaling import steps
from predictive_scaling.backtest.codec import decode
from predictive_scaling.backtest.evaluation import Gates
from predictive_scaling.backtest.training import TrainingOptions
from predictive_scaling.base.errors import InputError
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.store.opening import open_registry
from predictive_scaling.usage.sources import load_usage, local_file
from predictive_scaling.usage.validation import ValidationRules
from usage_data import end_of, usage, write

NOW = "2024-02-02T22:10:00Z"  # just after the sample ends
SERVICES = ["smd-1-6", "smd-2-1"]
LIGHT = TrainingOptions(candidates=("blend", "profile_level", "snaive_1d", "snaive_7d", "last"))
SCHEMA = json.loads(
    (Path(predictive_scaling.__file__).parent / "schemas/recommendation.v1.schema.json").read_bytes()
)


class Run:
    """The files of one run, as artifacts without extension."""

    def __init__(self, root):
        self.root = root

    def __getattr__(self, name):
        return str(self.root / name)

    def train_and_judge(self, gates=None, options=LIGHT):
        for metric in ("cpu", "memory"):
            paths = (self.path("model", metric), self.path("cv", metric), self.path("forecast", metric))
            steps.train_model(self.features, *paths, metric, "", options)
        cv, forecast = ([self.path(name, m) for m in ("cpu", "memory")] for name in ("cv", "forecast"))
        return steps.validate_model(
            *cv, *forecast, self.features, self.evaluation, self.report, gates or Gates()
        )

    def publish(self, mode="forecast_only", registry=""):
        forecasts, models = (
            [self.path(name, m) for m in ("cpu", "memory")] for name in ("forecast", "model")
        )
        return steps.publish_recommendation(
            self.clean, self.validation, forecasts, models, self.evaluation, self.recommendation, self.proposal,
            PlanOptions(), mode, registry, "run-1", NOW,
        )  # fmt: skip

    def path(self, name, metric):
        return str(self.root / f"{name}-{metric}")

    def document(self, name):
        return json.loads((self.root / name).read_bytes())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    found = Run(tmp_path_factory.mktemp("run"))
    raw = load_usage("sample:smd_servers_5min")
    write(raw[raw["service"].isin(SERVICES)], found.root / "raw")
    checked = steps.validate_data(
        found.raw, found.clean, found.validation, found.verdict, ValidationRules(), NOW
    )
    assert checked == (True, SERVICES, 1.0, "all 2 services pass")
    steps.engineer_features(found.clean, found.features, checked.services, "1h", 45)
    found.judged = found.train_and_judge()
    return found


def test_sample_gives_an_honest_evaluation(run):
    results = run.document("evaluation")["results"]
    judged = [(each["service"], each["metric"]) for each in results]
    assert judged == [(service, metric) for service in SERVICES for metric in ("cpu", "memory")]
    assert all(each["scored_folds"] == 7 and each["scored_points"] == 168 for each in results)
    for each in results:
        reached = each["skill"] >= -0.05 and each["over95"] <= 0.10
        assert each["decision"] == ("model" if reached else "guarded")
        assert bool(each["reason"]) == (not reached)
        assert run.judged.decision[each["service"]][each["metric"]] == each["decision"]
    assert run.judged.accepted
    assert {"accuracy_1h_24h_mean", "skill_1h_24h_mean", "accepted_share"} <= set(run.judged.metrics)


def test_model_folder_matches_its_manifest(run):
    manifest = run.document("model-cpu/manifest.json")
    assert {entry["service"] for entry in manifest["models"]} == set(SERVICES)
    assert manifest["versions"]["prophet"]
    for entry in manifest["models"]:
        decode((run.root / "model-cpu" / entry["file"]).read_bytes(), entry["sha256"])


def test_forecast_only_writes_nothing_to_the_registry(run, tmp_path):
    share, success = run.publish("forecast_only", str(tmp_path / "registry"))
    document = run.document("recommendation")
    jsonschema.validate(document, SCHEMA)
    assert not (tmp_path / "registry").exists()
    sources = [each[metric]["source"] for each in document["services"] for metric in ("cpu", "memory")]
    assert share == sources.count("fallback") / 4
    assert success
    assert document["generated_at"] == NOW
    assert (
        document["valid_until"] == "2024-02-04T09:00:00Z"
    )  # whole hours up to 21:00, 24 h of horizon, 12 h of grace


def test_publish_releases_what_was_accepted(run, tmp_path):
    run.publish("publish", str(tmp_path))
    registry = open_registry(str(tmp_path))
    current = json.loads(registry.get("current.json"))
    assert json.loads(registry.get(current["recommendation"])) == run.document("recommendation")
    released = {(service, metric) for service, metrics in current["models"].items() for metric in metrics}
    accepted = {
        (s, m) for s, metrics in run.judged.decision.items() for m, d in metrics.items() if d != "fallback"
    }
    assert released == accepted
    for metrics in current["models"].values():
        for key in metrics.values():
            decode(registry.get(key), Path(key).stem)


def test_same_inputs_give_the_same_bytes(run, tmp_path):
    before = {
        name: (run.root / name).read_bytes() for name in ("evaluation", "report", "cv-cpu", "forecast-cpu")
    }
    run.train_and_judge()
    assert {name: (run.root / name).read_bytes() for name in before} == before


def test_unreachable_threshold_lets_nothing_serve_alone_and_says_so(run, tmp_path):
    other = Run(tmp_path)
    for name in ("cv-cpu", "cv-memory", "forecast-cpu", "forecast-memory", "features"):
        (tmp_path / name).write_bytes((run.root / name).read_bytes())
    judged = steps.validate_model(
        other.path("cv", "cpu"), other.path("cv", "memory"), other.path("forecast", "cpu"),
        other.path("forecast", "memory"), other.features, other.evaluation, other.report, Gates(accuracy_threshold=1.0),
    )  # fmt: skip
    assert judged.accepted
    assert judged.reason.startswith(
        "0 of 4 forecasts pass, 4 are guarded by the constant; smd-1-6 cpu: accuracy"
    )
    assert "(accuracy_threshold)" in judged.reason
    assert judged.metrics["accepted_share"] == 0.0


def test_tampered_model_is_not_published(run, tmp_path):
    pairs = [(s, m) for s, metrics in run.judged.decision.items() for m, d in metrics.items() if d == "model"]
    service, metric = pairs[0]
    path = run.root / f"model-{metric}" / f"{service}.json"
    original = path.read_bytes()
    path.write_bytes(original.replace(b'"lower"', b'"lower" '))
    try:
        with pytest.raises(InputError, match="sha256"):
            run.publish("publish", str(tmp_path / "registry"))
    finally:
        path.write_bytes(original)
    assert not (tmp_path / "registry" / "current.json").exists()


def test_rubbish_is_a_result_and_still_gives_a_recommendation(tmp_path):
    files = Run(tmp_path)
    Path(files.raw).write_bytes(b"\x1f\x8brubbish")
    checked = steps.validate_data(
        files.raw, files.clean, files.validation, files.verdict, ValidationRules(), NOW
    )
    assert (checked.passed, checked.services) == (False, [])
    steps.fallback_recommendation(
        files.clean,
        files.validation,
        files.recommendation,
        files.proposal,
        [],
        checked.reason,
        PlanOptions(),
        "forecast_only",
        "",
        "run-1",
        NOW,
    )
    document = files.document("recommendation")
    jsonschema.validate(document, SCHEMA)
    assert document["services"] == []
    assert "not a readable CSV" in document["reason"]


def test_failing_data_falls_back_on_its_clean_rows(tmp_path):
    files = Run(tmp_path)
    raw = usage(days=3)
    write(raw, Path(files.raw))
    now = end_of(raw)
    checked = steps.validate_data(
        files.raw, files.clean, files.validation, files.verdict, ValidationRules(), now
    )
    assert not checked.passed
    registry = str(tmp_path / "registry")
    steps.fallback_recommendation(
        files.clean,
        files.validation,
        files.recommendation,
        files.proposal,
        [],
        checked.reason,
        PlanOptions(),
        "publish",
        registry,
        "run-1",
        now,
    )
    document = files.document("recommendation")
    assert document["services"][0]["cpu"]["source"] == "fallback"
    assert "days of history" in document["reason"]
    assert json.loads(open_registry(registry).get("current.json"))["models"] == {}


def test_history_too_short_to_train_flows_through_all_steps(tmp_path):
    files = Run(tmp_path)
    raw = usage(days=5)
    write(raw, Path(files.raw))
    rules = ValidationRules(min_days=1)
    checked = steps.validate_data(files.raw, files.clean, files.validation, files.verdict, rules, end_of(raw))
    steps.engineer_features(files.clean, files.features, checked.services, "1h", 45)
    judged = files.train_and_judge()
    assert not judged.accepted
    assert files.publish() == (1.0, False)
    assert "no model could be trained" in files.document("recommendation")["services"][0]["cpu"]["reason"]


def test_one_service_can_be_trained_alone(run, tmp_path):
    paths = [str(tmp_path / name) for name in ("model", "cv", "forecast")]
    steps.train_model(run.features, *paths, "cpu", SERVICES[0], LIGHT)
    assert set(pd.read_csv(tmp_path / "forecast")["service"]) == {SERVICES[0]}


@pytest.mark.parametrize(("metric", "service"), [("disk", ""), ("cpu", "../../etc"), ("cpu", "nobody")])
def test_training_refuses_strange_names(run, tmp_path, metric, service):
    with pytest.raises(InputError):
        steps.train_model(run.features, *[str(tmp_path / n) for n in "abc"], metric, service, LIGHT)


def test_loading_names_missing_columns(tmp_path):
    path = write(usage(days=1).drop(columns="cpu"), tmp_path / "usage")
    with pytest.raises(ValueError, match="missing columns: cpu; found: timestamp, service, memory"):
        steps.load_usage(str(tmp_path / "data"), path, ["timestamp", "cpu"])


def test_load_and_summarise_the_sample(tmp_path, capsys):
    loaded = steps.load_usage(str(tmp_path / "data"), "sample:smd_servers_5min", ["timestamp", "service"])
    assert loaded.rows == 75830
    assert len(loaded.services) == 8
    statistics = steps.summarize_usage(str(tmp_path / "data"), str(tmp_path / "summary"))
    assert statistics["smd-1-6"]["rows"] == 9476
    assert statistics["smd-1-6"]["cpu_mean"] == pytest.approx(0.1983, abs=1e-4)
    assert "smd-1-6" in capsys.readouterr().out
    assert "smd-1-6" in (tmp_path / "summary").read_text()


@pytest.mark.parametrize("source", ["sample:nothing", "sample:../README", "no/such/file"])
def test_unknown_source_is_refused(source):
    with pytest.raises(InputError, match="no s"), local_file(source):
        pass
