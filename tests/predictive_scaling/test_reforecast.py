"""Between two trainings: the models in force take in the newest usage and forecast from there."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from predictive_scaling import steps
from predictive_scaling.backtest.evaluation import Gates
from predictive_scaling.backtest.training import TrainingOptions
from predictive_scaling.base.documents import sha256
from predictive_scaling.base.errors import RegistryError
from predictive_scaling.recommend.fallback import constant
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.store.opening import open_registry
from predictive_scaling.store.registry import CURRENT
from predictive_scaling.usage.validation import ValidationRules
from usage_data import START, usage, write

METRICS = ("cpu", "memory")
MONDAY = START + pd.Timedelta(days=21)
OPEN = Gates(accuracy_threshold=0.0, min_skill=-1.0, max_over95=1.0)


def data(days):
    raw = pd.concat([usage("checkout", days), usage("search", days)])
    return raw.assign(cpu=raw["cpu"] * (1 + 0.05 * np.sin(np.arange(len(raw)))))


def run(root, registry, days, mode="publish", train=True, **options):
    """One run of a pipeline as of `days` after the start; training or with the models in force."""
    root.mkdir(parents=True)
    now = (START + pd.Timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = {
        name: str(root / name)
        for name in ("clean", "validation", "report", "features", "evaluation", "r", "p")
    }
    raw = write(options.pop("raw", data(days)), root / "raw")
    checked = steps.validate_data(
        raw, path["clean"], path["validation"], path["report"], ValidationRules(), now
    )
    steps.engineer_features(path["clean"], path["features"], checked.services, "1h", 45, path["validation"])
    forecasts, models = ([str(root / f"{kind}-{m}") for m in METRICS] for kind in ("forecast", "model"))
    result = None
    if train:
        cvs = [str(root / f"cv-{m}") for m in METRICS]
        for metric, model, cv, forecast in zip(METRICS, models, cvs, forecasts, strict=True):
            chosen = TrainingOptions(candidates=("blend",), cv_folds=4)
            steps.train_model(path["features"], model, cv, forecast, metric, "", chosen)
        steps.validate_model(
            *cvs, *forecasts, path["features"], path["evaluation"], path["report"], options.pop("gates", OPEN)
        )
    else:
        result = steps.forecast_current(
            path["features"],
            registry,
            forecasts,
            models,
            path["evaluation"],
            24,
            options.pop("max_age_days", 15),
            now,
        )
    steps.publish_recommendation(
        path["clean"], path["validation"], forecasts, models, path["evaluation"], path["r"], path["p"],
        PlanOptions(), mode, registry, f"run-{days}", now, keep_models=not train,
    )  # fmt: skip
    return SimpleNamespace(root=root, result=result, document=json.loads((root / "r").read_bytes()))


@pytest.fixture(scope="module")
def monday(tmp_path_factory):
    """The registry after the training of Monday."""
    folder = tmp_path_factory.mktemp("monday")
    run(folder / "run", str(folder / "registry"), 21)
    return folder / "registry"


@pytest.fixture
def trained(monday, tmp_path):
    """A registry of the test's own."""
    return str(shutil.copytree(monday, tmp_path / "registry"))


def pointer(registry):
    return json.loads(open_registry(registry).get(CURRENT))


def test_next_day_is_forecast_by_the_same_models_with_the_scores_of_their_training(trained, tmp_path):
    before = pointer(trained)
    found = run(tmp_path / "tuesday", trained, 22, train=False)
    assert found.result == (True, "4 of 4 series have a model in force")
    forecast = pd.read_csv(tmp_path / "tuesday/forecast-cpu")
    assert forecast["timestamp"].iloc[0] == "2026-01-27T00:00:00Z"
    assert (forecast["p10"] <= forecast["p50"]).all()
    assert (forecast["p50"] <= forecast["p95"]).all()
    entry = found.document["services"][0]["cpu"]
    assert entry["source"] == "blend"
    assert entry["accuracy"] == before["trained"]["checkout"]["cpu"]["accuracy"]
    after = pointer(trained)
    assert after["models"] == before["models"]
    assert after["trained"] == before["trained"]
    assert after["run_id"] == "run-22"
    assert after["valid_until"] == "2026-01-28T12:00:00Z"


def test_what_a_gate_refused_stays_guarded_until_the_next_training(tmp_path):
    registry = str(tmp_path / "registry")
    run(tmp_path / "monday", registry, 21, gates=Gates(min_skill=1.5))
    before = pointer(registry)
    found = run(tmp_path / "tuesday", registry, 22, train=False)
    assert found.result == (True, "4 of 4 series have a model in force")
    for service in found.document["services"]:
        for metric in METRICS:
            entry = service[metric]
            assert (entry["source"], "(min_skill)" in entry["guarded"]) == ("blend", True)
            constant = requested_without(tmp_path / "tuesday", service["service"], metric)
            assert min(each["capacity"] for each in entry["blocks"]) >= constant * (1 - 1e-5)
    assert pointer(registry)["trained"] == before["trained"]


def requested_without(root, service, metric):
    """What is requested without a forecast."""
    clean = pd.read_csv(root / "clean", parse_dates=["timestamp"], compression="gzip")
    rows = clean[clean["service"] == service]
    return constant(rows, metric, rows["timestamp"].max(), PlanOptions().headroom).request


def test_updated_forecast_is_close_to_that_of_a_new_training(trained, tmp_path):
    aged = run(tmp_path / "aged", trained, 26, "forecast_only", train=False)
    fresh = run(tmp_path / "fresh", trained, 26, "forecast_only")
    p50 = [pd.read_csv(each.root / "forecast-cpu")["p50"].to_numpy() for each in (aged, fresh)]
    assert p50[0] == pytest.approx(p50[1], rel=0.05)


def test_model_that_is_too_old_is_not_used(trained, tmp_path):
    found = run(tmp_path / "late", trained, 30, "forecast_only", train=False, max_age_days=5)
    assert not found.result.accepted
    assert "the model in force is from 2026-01-26T00:00:00Z: too old" in found.result.reason
    assert found.document["services"][0]["cpu"]["source"] == "fallback"


def test_service_without_a_model_falls_back_and_says_so(trained, tmp_path):
    raw = pd.concat([data(22), usage("newcomer", 22)])
    found = run(tmp_path / "new", trained, 22, train=False, raw=raw)
    entries = {each["service"]: each["cpu"] for each in found.document["services"]}
    assert (entries["newcomer"]["source"], entries["newcomer"]["reason"]) == (
        "fallback",
        "no model is in force",
    )
    assert entries["checkout"]["source"] == "blend"


def test_altered_model_is_not_used_and_the_others_are(trained, tmp_path):
    registry = open_registry(trained)
    key = pointer(trained)["models"]["checkout"]["cpu"]
    registry.put(key, registry.get(key).replace(b'"metric":"cpu"', b'"metric":"CPU"'))
    found = run(tmp_path / "altered", trained, 22, "forecast_only", train=False)
    assert "checkout cpu: model has sha256" in found.result.reason
    assert found.result.reason.startswith("3 of 4")


def test_models_swapped_between_services_are_noticed(trained, tmp_path):
    swapped = pointer(trained)
    models = swapped["models"]
    models["checkout"]["cpu"], models["search"]["cpu"] = models["search"]["cpu"], models["checkout"]["cpu"]
    open_registry(trained).put(CURRENT, json.dumps(swapped).encode())
    found = run(tmp_path / "swapped", trained, 22, "forecast_only", train=False)
    assert "model is of search cpu, not of checkout cpu" in found.result.reason


def test_forecast_beyond_all_that_was_seen_is_not_used(trained, tmp_path):
    registry, key = open_registry(trained), pointer(trained)["models"]["checkout"]["cpu"]
    stored = json.loads(registry.get(key))
    day = [1e6] * 24
    level = {"kind": "profile_damped", "error": 1.0, "evidence": 1.0}
    state = {"end": 0, "level": [0, 0, 0], "scale": [0, 0], "day": [*day[:23], -23e6], "week": [0] * 168}
    stored["state"]["members"] = [{**level, "state": state}]
    data = json.dumps(stored, sort_keys=True, separators=(",", ":")).encode()
    changed = pointer(trained)
    changed["models"]["checkout"]["cpu"] = f"models/checkout/cpu/{sha256(data)}.json"
    registry.put(changed["models"]["checkout"]["cpu"], data)
    registry.put(CURRENT, json.dumps(changed).encode())
    found = run(tmp_path / "wild", trained, 22, "forecast_only", train=False)
    assert "checkout cpu: blend forecasts more than 5 times what was ever seen" in found.result.reason


def test_nothing_in_force_is_no_error(tmp_path):
    found = run(tmp_path / "first", str(tmp_path / "empty"), 22, "forecast_only", train=False)
    assert not found.result.accepted
    assert "0 of 4 series have a model in force" in found.result.reason


def test_registry_that_cannot_be_read_is_the_platforms_fault(trained, tmp_path):
    open_registry(trained).put(CURRENT, b'{"schema": "other"}')
    with pytest.raises(RegistryError, match="has schema 'other'"):
        run(tmp_path / "down", trained, 22, train=False)


def test_bad_day_keeps_models_and_recommendation_in_force(trained, tmp_path):
    before = pointer(trained)
    path = {name: str(tmp_path / name) for name in ("raw", "clean", "validation", "report", "r", "p")}
    (tmp_path / "raw").write_text("timestamp,service,cpu,memory\n")
    now = (MONDAY + pd.Timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    checked = steps.validate_data(
        path["raw"], path["clean"], path["validation"], path["report"], ValidationRules(), now
    )
    assert not checked.passed
    steps.fallback_recommendation(
        path["clean"], path["validation"], path["r"], path["p"], [], checked.reason, PlanOptions(), "publish",
        trained, "run-bad", now, data_failed=True,
    )  # fmt: skip
    document = json.loads((tmp_path / "r").read_bytes())
    assert document["services"][0]["cpu"]["carried_from"] == "run-21"
    assert pointer(trained)["models"] == before["models"]
    assert run(tmp_path / "next", trained, 22, train=False).result.accepted


def test_run_without_a_usable_model_leaves_those_of_a_training_that_ended_while_it_ran(trained, tmp_path):
    """After an update of the library no older model serves: the run falls back, and may be the last to write."""
    registry, fresh = open_registry(trained), pointer(trained)
    for service, keys in fresh["models"].items():
        for metric, key in keys.items():
            old = registry.get(key).replace(b"predictive-scaling-model/v3", b"predictive-scaling-model/v2")
            registry.put(f"models/{service}/{metric}/{sha256(old)}.json", old)
            keys[metric] = f"models/{service}/{metric}/{sha256(old)}.json"
    healed = registry.get(CURRENT)
    registry.put(CURRENT, json.dumps(fresh).encode())
    found = run(tmp_path / "tuesday", trained, 22, mode="forecast_only", train=False)
    assert not found.result.accepted
    assert "expected 'predictive-scaling-model/v3'" in found.result.reason
    registry.put(CURRENT, healed)  # the training ends
    root, now = found.root, (START + pd.Timedelta(days=22)).strftime("%Y-%m-%dT%H:%M:%SZ")
    steps.fallback_recommendation(
        str(root / "clean"), str(root / "validation"), str(root / "r"), str(root / "p"), [], found.result.reason,
        PlanOptions(), "publish", trained, "run-late", now, keep_models=True,
    )  # fmt: skip
    for name in ("models", "trained"):
        assert pointer(trained)[name] == json.loads(healed)[name]
    assert run(tmp_path / "next", trained, 22, train=False).result.accepted


def forged(trained, change):
    """The model of checkout's cpu, changed under a digest of its own, and a pointer to it."""
    registry, found = open_registry(trained), pointer(trained)
    stored = json.loads(registry.get(found["models"]["checkout"]["cpu"]))
    change(stored)
    data = json.dumps(stored, sort_keys=True, separators=(",", ":")).encode()
    key = f"models/checkout/cpu/{sha256(data)}.json"
    found["models"]["checkout"]["cpu"] = key
    registry.put(key, data)
    registry.put(CURRENT, json.dumps(found).encode())


def test_band_beyond_all_that_was_seen_is_not_used(trained, tmp_path):
    def widen(stored):
        for kind in ("plain", "scaled"):
            stored["band"][kind].update(dict.fromkeys(stored["band"][kind], 1e6))

    forged(trained, widen)
    found = run(tmp_path / "wide", trained, 22, "forecast_only", train=False)
    assert "the band of blend reaches beyond 10 times what was ever seen" in found.result.reason


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["models"]["checkout"].update(cpu="../../etc/passwd"),
        lambda found: found["trained"]["checkout"]["cpu"].update(trained_at="2099-01-01T00:00:00Z"),
        lambda found: found.pop("models"),
    ],
)
def test_pointer_that_can_be_none_of_ours_is_refused(trained, tmp_path, change):
    changed = pointer(trained)
    change(changed)
    open_registry(trained).put(CURRENT, json.dumps(changed).encode())
    with pytest.raises(RegistryError, match="not to be trusted"):
        run(tmp_path / "forged", trained, 22, "forecast_only", train=False)
