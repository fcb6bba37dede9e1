"""The two pipelines as they are rendered and compiled, run by the local executor: a training, a day, a bad day."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.local.localrun import RunContext, execute
from kfp_gitops.rendering.render import render
from predictive_scaling.store.opening import open_registry
from predictive_scaling.store.registry import CURRENT
from project import PROJECT
from usage_data import START, usage, write

pytestmark = pytest.mark.usefixtures("quick_steps")

WEEKLY, DAILY = "predictive-scaling", "predictive-scaling-forecast"


@pytest.fixture(scope="module")
def irs():
    rendered = render(PROJECT, "dev").pipelines
    return {
        each.name: list(yaml.safe_load_all(compile_pipeline(each, "manifests/dev").text))
        for each in rendered
        if each.name in {WEEKLY, DAILY}
    }


def run(ir, root, days, raw, **parameters):
    """Run a pipeline as of `days` after the start; gives its tasks' states."""
    root.mkdir()
    now = (START + pd.Timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    given = {
        "data_source": write(raw, root / "raw.csv"),
        "now_override": now,
        "mode": "publish",
        **parameters,
    }
    context = RunContext(
        run_id=f"day-{days}", run_name="r", run_dir=root / "run", create_time=now, schedule_time=now,
        python_path=(PROJECT / "components/src",), workers=2,
    )  # fmt: skip
    events = []
    outcome = execute(ir, given, context, events.append)
    assert outcome.state == "SUCCEEDED", outcome
    return {each.display_name: each.state for each in events if hasattr(each, "display_name")}


def published(registry):
    opened = open_registry(registry)
    pointer = json.loads(opened.get(CURRENT))
    return pointer, json.loads(opened.get(pointer["recommendation"]))


def test_week_of_training_forecast_and_a_bad_day(irs, tmp_path: Path):
    registry = str(tmp_path / "registry")
    light = {"candidates": ["blend"], "cv_folds": 5, "registry": registry}
    states = run(irs[WEEKLY], tmp_path / "monday", 21, usage(days=21), **light)
    assert states["publish"] == "SUCCEEDED"
    trained, first = published(registry)
    assert first["services"][0]["cpu"]["source"] == "blend"

    states = run(irs[DAILY], tmp_path / "tuesday", 22, usage(days=22), registry=registry)
    assert states["publish"] == "SUCCEEDED"
    pointer, second = published(registry)
    assert (pointer["run_id"], pointer["models"]) == ("day-22", trained["models"])
    assert second["services"][0]["cpu"]["accuracy"] == first["services"][0]["cpu"]["accuracy"]
    assert second["valid_until"] > first["valid_until"]

    # On Wednesday the collector has failed for good.
    broken = usage(days=23).assign(cpu="", memory="")
    states = run(irs[DAILY], tmp_path / "wednesday", 23, broken, registry=registry, stale_action="fail")
    assert states["fall-back-on-data"] == "SUCCEEDED"
    pointer, third = published(registry)
    assert (pointer["run_id"], pointer["models"]) == ("day-23", trained["models"])
    assert third["services"][0]["cpu"]["carried_from"] == "day-22"
    assert third["valid_until"] == second["valid_until"]


def test_daily_run_without_any_training_falls_back_on_constants(irs, tmp_path: Path):
    registry = str(tmp_path / "registry")
    states = run(irs[DAILY], tmp_path / "first", 22, usage(days=22), registry=registry)
    assert states["fall-back-on-models"] == "SUCCEEDED"
    _, document = published(registry)
    assert document["services"][0]["cpu"]["source"] == "fallback"
    assert "no model is in force" in document["reason"]
