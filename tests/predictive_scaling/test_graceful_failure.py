"""Bad data is no error of a task: every component gives valid outputs, a flag that says so, and what was wrong.

Components run here through `python_func`, as a container would call them, on a slice of real data; then on the same
data spoilt. A fault of the platform raises.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import jsonschema
import pandas as pd
import predictive_scaling
import pytest
from kfp import dsl
from predictive_scaling.base.errors import RegistryError
from predictive_scaling.usage.sources import load_usage
from project import PROJECT
from usage_data import write

NOW = "2024-02-02T22:10:00Z"
SCHEMA = json.loads(
    (Path(predictive_scaling.__file__).parent / "schemas/recommendation.v1.schema.json").read_bytes()
)
METRICS = ("cpu", "memory")


@pytest.fixture(autouse=True)
def on_ones_own_machine(monkeypatch):
    """Parameters may name paths of it."""
    monkeypatch.setenv("PREDICTIVE_SCALING_LOCAL_PATHS", "allow")


def component(name):
    spec = importlib.util.spec_from_file_location(
        f"component_{name}", PROJECT / "components" / name / "component.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name).python_func


class Folder:
    """Artifacts of one run; each name is one file or folder."""

    def __init__(self, root):
        self.root = root

    def __call__(self, name, kind=dsl.Artifact):
        return kind(name=name, uri=str(self.root / name))

    def errors(self, name):
        document = json.loads((self.root / name).read_bytes())
        return document["success"], [(e["service"], e["metric"], e["reason"]) for e in document["errors"]]


def run(root, raw, registry="", mode="forecast_only"):
    """The weekly pipeline's components in order; gives their results by component."""
    at, gave = Folder(root), {}
    write(raw, root / "raw")
    gave["validate"] = component("validate_data")(
        at("raw"), at("clean"), at("validation"), at("report"), at("validate-errors"), now_override=NOW
    )
    gave["features"] = component("engineer_features")(
        at("clean"), at("validation"), at("features"), at("features-errors"), list(gave["validate"].services)
    )
    for metric in METRICS:
        gave[f"train-{metric}"] = component("train_model")(
            at("features"), at(f"model-{metric}"), at(f"cv-{metric}"), at(f"forecast-{metric}"),
            at(f"train-{metric}-errors"), metric, candidates=["blend", "last"],
        )  # fmt: skip
    gave["judge"] = component("validate_model")(
        at("cv-cpu"), at("cv-memory"), at("forecast-cpu"), at("forecast-memory"), at("features"), at("validation"),
        at("metrics", dsl.Metrics), at("evaluation"), at("html", dsl.HTML), at("judge-errors"),
    )  # fmt: skip
    gave["publish"] = component("publish_recommendation")(
        at("clean"), at("validation"), at("forecast-cpu"), at("forecast-memory"), at("model-cpu"), at("model-memory"),
        at("evaluation"), at("recommendation"), at("proposal"), at("actions"), at("publish-errors"),
        registry=registry, mode=mode, run_id="run-1", now_override=NOW,
    )  # fmt: skip
    gave["fallback"] = component("fallback_recommendation")(
        at("clean"), at("validation"), at("fallback"), at("fallback-proposal"), at("fallback-actions"),
        at("fallback-errors"),
        reason="for a test", now_override=NOW,
    )  # fmt: skip
    for name in ("recommendation", "fallback"):
        jsonschema.validate(json.loads((root / name).read_bytes()), SCHEMA)
    return at, gave


@pytest.fixture(scope="module")
def sample():
    raw = load_usage("sample:smd_servers_5min")
    return raw[raw["service"].isin(["smd-1-6", "smd-3-4"])]


def test_good_data_leaves_empty_error_logs(tmp_path, sample):
    at, gave = run(tmp_path, sample[sample["service"] == "smd-1-6"])
    for name in ("validate", "features", "train-cpu", "train-memory", "judge", "publish"):
        assert at.errors(f"{name}-errors") == (True, []), name
    assert gave["features"] == gave["train-cpu"] == (True,)
    assert gave["publish"] == (0.0, True)
    assert at.errors("fallback-errors")[0] is True


def test_spoilt_metric_is_named_by_every_component_that_meets_it(tmp_path, sample):
    spoilt = sample.assign(memory=sample["memory"].mask(sample["service"] == "smd-3-4", 0.0))
    at, gave = run(tmp_path, spoilt)
    reason = "memory is 0 in 100.0% of rows: the whole metric is refused"
    assert ("smd-3-4", "memory", reason) in at.errors("validate-errors")[1]
    # Nothing is left of it, which is said too.
    told = f"{reason}, no usable memory values"
    assert at.errors("features-errors") == (True, [("smd-3-4", "memory", told)])
    assert at.errors("train-cpu-errors") == (True, [])
    assert at.errors("train-memory-errors") == (True, [("smd-3-4", "memory", "no data")])
    assert ("smd-3-4", "memory", f"{told}; no usable data") in at.errors("publish-errors")[1]
    assert gave["judge"].accepted if hasattr(gave["judge"], "accepted") else gave["judge"][0]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda raw: raw.head(0), id="no-rows"),
        pytest.param(lambda raw: raw.drop(columns="memory"), id="no-memory-column"),
        pytest.param(lambda raw: raw.assign(timestamp="yesterday"), id="no-instants"),
        pytest.param(lambda raw: raw.assign(cpu="much", memory="more"), id="no-numbers"),
        pytest.param(lambda raw: raw.assign(service="Not A Name"), id="no-names"),
        pytest.param(lambda raw: raw.groupby("service").tail(600), id="two-days"),
    ],
)
def test_hopeless_data_flows_through_every_component(tmp_path, sample, spoil):
    at, gave = run(tmp_path, spoil(sample))
    assert gave["validate"].passed is False
    success, errors = at.errors("validate-errors")
    assert success is False
    assert errors
    for name in ("train-cpu", "train-memory", "judge"):
        assert at.errors(f"{name}-errors")[0] is False, name
    assert gave["publish"] == (1.0, False)


def test_registry_that_is_down_raises(tmp_path, sample):
    (tmp_path / "file").write_text("")
    with pytest.raises(RegistryError):
        run(tmp_path, sample.groupby("service").tail(600), str(tmp_path / "file"), "publish")


def test_missing_artifact_raises(tmp_path):
    at = Folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        component("engineer_features")(at("clean"), at("validation"), at("features"), at("errors"))


def test_frames_are_not_changed_by_a_run(tmp_path, sample):
    before = sample.copy()
    run(tmp_path, sample.groupby("service").tail(600))
    pd.testing.assert_frame_equal(sample, before)
