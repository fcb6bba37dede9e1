"""Both pipelines with a load, as rendered and compiled: a training, then a run six hours after code got slower."""

import json
import shutil

import pandas as pd
import pytest
import yaml
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.local.localrun import RunContext, execute
from kfp_gitops.rendering.render import render
from load_kit import START, loaded
from predictive_scaling.store.opening import open_registry
from predictive_scaling.store.registry import CURRENT
from project import PROJECT
from usage_data import write

pytestmark = pytest.mark.usefixtures("quick_steps")

WEEKLY, DAILY = "predictive-scaling", "predictive-scaling-forecast"


@pytest.fixture(scope="module")
def irs(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    for name in ("environments", "templates", "components", "argocd", "manifests"):
        shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("src", "__pycache__"))
    path = root / "environments/dev/values.yaml"
    document = yaml.safe_load(path.read_text())
    for name in (WEEKLY, DAILY):
        document["pipelines"][name]["values"] |= {"load": {}, "services": {"checkout": {"cores": 0.5}}}
    path.write_text(yaml.safe_dump(document))
    rendered = [each for each in render(root, "dev").pipelines if each.name in {WEEKLY, DAILY}]
    return {
        each.name: list(yaml.safe_load_all(compile_pipeline(each, "manifests/dev").text)) for each in rendered
    }


def run(ir, root, days, raw, **parameters):
    """Run a pipeline as of `days` after the start; gives the service's entry, and what the registry points to."""
    root.mkdir()
    now = (START + pd.Timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    registry = str(root.parent / "registry")
    given = {
        "data_source": write(raw, root / "raw.csv"),
        "now_override": now,
        "mode": "publish",
        "registry": registry,
    }
    context = RunContext(
        run_id=f"day-{days}", run_name="r", run_dir=root / "run", create_time=now, schedule_time=now,
        python_path=(PROJECT / "components/src",), workers=2,
    )  # fmt: skip
    outcome = execute(ir, given | parameters, context, [].append)
    assert outcome.state == "SUCCEEDED", outcome
    opened = open_registry(registry)
    pointer = json.loads(opened.get(CURRENT))
    return json.loads(opened.get(pointer["recommendation"]))["services"][0], pointer


def test_load_is_trained_weekly_and_floors_follow_slower_code_in_the_next_run(irs, tmp_path):
    first, pointer = run(
        irs[WEEKLY], tmp_path / "weekly", 21, loaded(days=21), candidates=["blend"], cv_folds=5
    )
    assert first["load"]["source"] == "blend"
    assert set(pointer["models"]["checkout"]) == {"cpu", "memory", "load"}
    second, pointer = run(irs[DAILY], tmp_path / "daily", 22, loaded(days=22, slower_from=21.75))
    assert set(pointer["models"]["checkout"]) == {"cpu", "memory", "load"}
    assert second["load"]["source"] == "blend"
    assert second["load"]["change"]["after"] / second["load"]["change"]["before"] == pytest.approx(
        1.5, rel=0.1
    )
    before, after = (sum(hour["wanted"] for hour in each["cpu"]["floors"]) for each in (first, second))
    assert after >= 1.3 * before


def test_data_without_the_column_runs_as_ever(irs, tmp_path):
    raw = loaded(days=21).drop(columns="requests")
    found, pointer = run(irs[WEEKLY], tmp_path / "weekly", 21, raw, candidates=["blend"], cv_folds=5)
    assert "load" not in found
    assert set(pointer["models"]["checkout"]) == {"cpu", "memory"}
