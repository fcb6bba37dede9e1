"""Values of the shipped pipelines that no shipped environment uses: usage from Prometheus, settings, secrets."""

import shutil

import pytest
import yaml
from predictive_scaling.recommend.plan import FLOOR_BUDGET
from project import PROJECT

PIPELINES = ("predictive-scaling", "predictive-scaling-forecast")
ENV = {
    "AWS_ENDPOINT_URL_S3": "http://minio-service.kubeflow:9000",
    "AWS_SECRET_ACCESS_KEY": {"secret": "mlpipeline-minio-artifact", "key": "secretkey"},
    "PREDICTIVE_SCALING_PUSHGATEWAY_URL": "http://pushgateway.monitoring:9091",
}
PROMETHEUS = {
    "prometheus_url": "http://prometheus.monitoring:9090",
    "days": 28,
    "other_queries": {"cpu_request": "x"},
}


@pytest.fixture
def root(tmp_path):
    for name in ("environments", "templates", "components", "argocd", "manifests"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("src", "__pycache__"))
    return tmp_path


def rendered(root, command, name, **values):
    path = root / "environments/dev/values.yaml"
    document = yaml.safe_load(path.read_text())
    document["pipelines"][name]["values"] |= values
    if "prometheus" in values:
        del document["pipelines"][name]["values"]["data_source"]
    path.write_text(yaml.safe_dump(document))
    outcome = command("render", "--env", "dev", "--lock", "--root", root)
    assert outcome.code == 0, outcome.err
    return yaml.safe_load((root / f"manifests/dev/pipelines/{name}/pipeline.yaml").read_text())


def components(node):
    """Every component task below a manifest, by its id."""
    found = {}
    for name, task in node.get("tasks", {}).items():
        found |= {name: task} if "component" in task else components(task)
        found |= components(task.get("else", {}))
        found |= components({"tasks": task["finally"]}) if "finally" in task else {}
    return found


@pytest.mark.parametrize("name", PIPELINES)
def test_usage_comes_from_prometheus_instead_of_a_file(root, command, name):
    manifest = rendered(root, command, name, prometheus=PROMETHEUS)
    tasks = components(manifest["spec"])
    assert tasks["usage"]["component"] == "fetch_usage"
    assert tasks["usage"]["arguments"]["prometheus_url"] == PROMETHEUS["prometheus_url"]
    assert tasks["validate-data"]["arguments"]["raw"] == {"task": "usage", "output": "data"}
    assert "data_source" not in manifest["spec"]["parameters"]
    for task in ("publish", "fall-back-on-models", "fall-back-on-data"):
        assert tasks[task]["arguments"]["shapes"] == {"task": "usage", "output": "shapes"}


@pytest.mark.parametrize("name", PIPELINES)
def test_namespace_is_a_setting_of_every_task_and_of_the_fetch(root, command, name):
    tasks = components(rendered(root, command, name, prometheus=PROMETHEUS, namespace="shop")["spec"])
    assert tasks["usage"]["arguments"]["namespace"] == "shop"
    assert {task["env"]["PREDICTIVE_SCALING_NAMESPACE"] for task in tasks.values()} == {"shop"}


@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize(
    ("sources", "text"),
    [
        ({}, "has none of data_source, prometheus; add one of them"),
        (
            {"data_source": "s3://bucket/usage.csv.gz", "prometheus": PROMETHEUS},
            "has data_source and prometheus; keep one of them",
        ),
    ],
    ids=["neither", "both"],
)
def test_usage_has_exactly_one_source(root, command, name, sources, text):
    path = root / "environments/dev/values.yaml"
    document = yaml.safe_load(path.read_text())
    values = document["pipelines"][name]["values"]
    del values["data_source"]
    values |= sources
    path.write_text(yaml.safe_dump(document))
    outcome = command("render", "--env", "dev", "--root", root)
    assert outcome.code == 2
    assert text in outcome.err, outcome.err


@pytest.mark.parametrize("name", PIPELINES)
def test_what_floors_may_cost_reaches_every_task_that_makes_some(root, command, name):
    tasks = components(rendered(root, command, name, floor_budget=1.1)["spec"])
    given = {id_ for id_, task in tasks.items() if task["arguments"].get("floor_budget") == 1.1}
    assert given == {id_ for id_, task in tasks.items() if task["component"].endswith("_recommendation")}
    assert len(given) == 3


@pytest.mark.parametrize("name", PIPELINES)
def test_floors_that_cost_less_than_none_are_refused(root, command, name):
    path = root / "environments/dev/values.yaml"
    document = yaml.safe_load(path.read_text())
    document["pipelines"][name]["values"]["floor_budget"] = 0.9
    path.write_text(yaml.safe_dump(document))
    outcome = command("render", "--env", "dev", "--root", root)
    assert outcome.code == 2
    assert "floor_budget is 0.9; write 1 or more" in outcome.err, outcome.err


@pytest.mark.parametrize("name", ["publish_recommendation", "fallback_recommendation"])
def test_without_a_value_floors_may_cost_what_the_library_says(name):
    spec = yaml.safe_load((PROJECT / f"components/{name}/component.yaml").read_text("utf-8"))
    given = spec["components"][f"comp-{name.replace('_', '-')}"]["inputDefinitions"]["parameters"]
    assert given["floor_budget"]["defaultValue"] == FLOOR_BUDGET


@pytest.mark.parametrize("name", PIPELINES)
def test_every_task_gets_the_settings_and_secrets_stay_references(root, command, name):
    tasks = components(rendered(root, command, name, env=ENV)["spec"])
    assert {"clean-up", "publish", "validate-data"} <= set(tasks)
    for task in tasks.values():
        assert task["env"] == {"PREDICTIVE_SCALING_ENVIRONMENT": "dev", **ENV}


def test_setting_that_is_no_text_and_no_reference_is_refused(root, command):
    path = root / "environments/dev/values.yaml"
    document = yaml.safe_load(path.read_text())
    document["pipelines"]["predictive-scaling"]["values"]["env"] = {"AWS_SECRET_ACCESS_KEY": 1, "lower": "x"}
    path.write_text(yaml.safe_dump(document))
    outcome = command("render", "--env", "dev", "--root", root)
    assert outcome.code == 2
    assert "AWS_SECRET_ACCESS_KEY" in outcome.err
    assert "lower" in outcome.err


LOAD = {"expression": "sum by (namespace, service) (rate(http_requests_total[5m]))"}


@pytest.mark.parametrize("name", PIPELINES)
def test_load_is_forecast_where_it_is_asked_for(root, command, name):
    tasks = components(rendered(root, command, name, prometheus=PROMETHEUS, load=LOAD)["spec"])
    assert tasks["usage"]["arguments"]["load"] == LOAD
    given = {
        key: value["task"] for key, value in tasks["publish"]["arguments"].items() if key.endswith("_load")
    }
    maker = "train-load" if name == "predictive-scaling" else "forecast"
    assert given == {"forecast_load": maker, "model_load": maker}
    if name == "predictive-scaling":
        assert tasks["train-load"]["arguments"]["metric"] == "load"
        assert tasks["validate-models"]["arguments"]["cv_load"] == {"task": "train-load", "output": "cv"}


def test_without_it_there_is_no_task_of_a_load(root, command):
    tasks = components(rendered(root, command, "predictive-scaling", retries=2)["spec"])
    assert "train-load" not in tasks
    assert not any(key.endswith("load") for task in tasks.values() for key in task["arguments"])


def test_a_file_has_its_load_in_a_column(root, command):
    tasks = components(rendered(root, command, "predictive-scaling", load={})["spec"])
    assert tasks["train-load"]["component"] == "train_model"


@pytest.mark.parametrize("load", [{}, {"kind": "queue"}, {"expression": ""}, {"expression": "x", "days": 1}])
def test_loads_of_prometheus_that_say_too_little_or_too_much_are_refused(root, command, load):
    path = root / "environments/dev/values.yaml"
    document = yaml.safe_load(path.read_text())
    values = document["pipelines"]["predictive-scaling"]["values"]
    del values["data_source"]
    path.write_text(yaml.safe_dump(document | {"pipelines": document["pipelines"] | {
        "predictive-scaling": {"values": values | {"prometheus": PROMETHEUS, "load": load}}}}))  # fmt: skip
    outcome = command("render", "--env", "dev", "--lock", "--root", root)
    assert outcome.code == 2
    assert "load" in outcome.err
