"""The forecasting pipeline as rendered, without a CSV: usage and what services are come from a real Prometheus."""

import json
import shutil

import pytest
import yaml
from cluster_recordings import openmetrics
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.local.localrun import RunContext, execute
from kfp_gitops.rendering.render import render
from predictive_scaling.store.opening import open_registry
from predictive_scaling.store.registry import CURRENT
from predictive_scaling.store.retention import KEPT
from project import PROJECT
from servers.prometheus import PrometheusServer, backfill
from test_usage_without_rules import DAY, MIB, START, gauge, pod

pytestmark = pytest.mark.usefixtures("quick_steps")

DAYS = 8
NOW = "2024-01-09T00:00:30Z"
DAILY = "predictive-scaling-forecast"


def shop():
    """One Deployment of two pods; each has a container of 50 MiB with peaks of 90 and a sidecar of 10."""
    end = START + DAYS * DAY
    owner = {"owner_kind": "Deployment", "owner_name": "web", "owner_is_controller": "true"}
    yield gauge("kube_replicaset_owner", {"replicaset": "web-1", **owner}, 1, last=end)
    yield gauge("kube_deployment_spec_replicas", {"deployment": "web"}, 2, last=end)
    for name in ("web-1-a", "web-1-b"):
        peak = lambda at: (90 if at % 3600 == 1500 else 50) * MIB  # noqa: E731 -- said once
        yield from pod(name, "web-1", "ReplicaSet", {"app": peak, "proxy": MIB}, 0.5, 10, last=end)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    backfill(openmetrics(shop(), START + 30), folder)
    server = PrometheusServer(folder)
    server.start()
    yield server
    server.kill()


def compiled(root, url):
    for name in ("environments", "templates", "components", "argocd", "manifests"):
        shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("src", "__pycache__"))
    path = root / "environments/dev/values.yaml"
    document = yaml.safe_load(path.read_text())
    values = document["pipelines"][DAILY]["values"]
    del values["data_source"]
    values |= {"prometheus": {"prometheus_url": url, "days": 14}, "namespace": "shop", "retries": 0}
    path.write_text(yaml.safe_dump(document))
    (pipeline,) = (each for each in render(root, "dev").pipelines if each.name == DAILY)
    return list(yaml.safe_load_all(compile_pipeline(pipeline, "manifests/dev").text))


def run(ir, folder, **parameters):
    context = RunContext(
        run_id="run-1", run_name="r", run_dir=folder / "run", create_time=NOW, schedule_time=NOW,
        python_path=(PROJECT / "components/src",), workers=2,
    )  # fmt: skip
    events = []
    given = {"registry": str(folder / "registry"), "mode": "publish", "now_override": NOW, **parameters}
    outcome = execute(ir, given, context, events.append)
    return outcome.state, {each.display_name: each.state for each in events if hasattr(each, "display_name")}


def test_recommendation_is_for_one_pod_of_what_the_cluster_runs(prometheus, tmp_path):
    state, states = run(compiled(tmp_path / "root", prometheus.url), tmp_path)
    assert (state, states["usage"]) == ("SUCCEEDED", "SUCCEEDED")
    registry = open_registry(str(tmp_path / "registry"))
    document = json.loads(registry.get(json.loads(registry.get(CURRENT))["recommendation"]))
    (web,) = document["services"]
    assert (document["namespace"], web["service"], web["kind"], web["container"]) == (
        "shop",
        "web",
        "Deployment",
        "app",
    )
    assert 90 * MIB < web["memory"]["request"] < 120 * MIB
    assert web["cpu"]["replica_cores"] > 0


def test_next_run_asks_for_what_is_new(prometheus, tmp_path):
    ir = compiled(tmp_path / "root", prometheus.url)
    before = "2024-01-08T21:05:30Z"
    assert run(ir, tmp_path, now_override=before)[0] == "SUCCEEDED"
    registry = open_registry(str(tmp_path / "registry"))
    pieces = json.loads(registry.get(KEPT))["pieces"]
    assert run(ir, tmp_path)[0] == "SUCCEEDED"
    kept = json.loads(registry.get(KEPT))
    assert (kept["until"], kept["pieces"][:-1]) == (START + DAYS * DAY - 3600, pieces[:-1])


def test_run_without_data_fails(prometheus, tmp_path):
    state, states = run(
        compiled(tmp_path / "root", prometheus.url), tmp_path, now_override="2025-01-01T00:00:00Z"
    )
    assert (state, states["usage"]) == ("FAILED", "FAILED")
    assert states["clean-up"] == "SUCCEEDED"
