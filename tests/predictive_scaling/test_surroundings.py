"""What a run is told of its services, by the steps and by the command line, and what it says of it."""

import json

import pytest
from predictive_scaling import steps
from predictive_scaling.__main__ import main
from predictive_scaling.base.documents import write_bytes
from predictive_scaling.base.errors import InputError
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.shapes.document import shapes_document
from predictive_scaling.shapes.shape import Amounts, Container, Scaler, Shape
from predictive_scaling.steps import Surroundings
from predictive_scaling.usage.validation import ValidationRules
from usage_data import end_of, usage, write

ROWS = usage(days=8)
NOW = end_of(ROWS)
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout, namespace: shop}
spec: {template: {spec: {containers: [{name: app, resources: {requests: {cpu: 500m}}}]}}}
"""


@pytest.fixture
def fall_back(tmp_path):
    """Recommend constants with what is known of the services; gives the document and the error log."""
    raw, clean, validation = (str(tmp_path / name) for name in ("raw", "clean", "validation"))
    write(ROWS, tmp_path / "raw")
    steps.validate_data(raw, clean, validation, str(tmp_path / "verdict"), ValidationRules(), NOW)

    def run(around=None, mode="forecast_only", registry=""):
        document, log = tmp_path / "recommendation", tmp_path / "errors"
        steps.fallback_recommendation(
            clean, validation, str(document), str(tmp_path / "proposal"), [], "no model",
            PlanOptions(floor_budget=None),
            mode, registry, "run-1", NOW, error_log=str(log), around=around,
        )  # fmt: skip
        return json.loads(document.read_bytes()), json.loads(log.read_bytes())["errors"]

    return run


def cpu(document):
    return document["services"][0]["cpu"]


def test_without_anything_known_it_is_said_what_to_give(fall_back, capsys):
    document, errors = fall_back()
    assert "min_replicas" not in cpu(document)
    said = capsys.readouterr().out
    assert "no replicas for checkout: what a replica serves is not known" in said
    assert "give services: {checkout: {cores: 0.5}}" in said
    assert not [each for each in errors if "cores" in each["reason"]]  # the data is good


def test_values_stand_over_manifests_over_the_cluster(fall_back, tmp_path):
    seen = Shape(
        "checkout",
        "shop",
        "Deployment",
        3,
        (Container("app", Amounts(0.25)),),
        scaler=Scaler("HorizontalPodAutoscaler", "checkout", 2, 6),
    )
    write_bytes(tmp_path / "shapes", json.dumps(shapes_document([seen])).encode())
    (tmp_path / "rendered.yaml").write_text(DEPLOYMENT, "utf-8")
    shapes, over = str(tmp_path / "shapes"), [str(tmp_path / "rendered.yaml")]
    values = {"checkout": {"cores": 1.0, "max": 4.0}}
    found = [
        cpu(fall_back(around)[0])
        for around in (
            Surroundings(shapes=shapes),
            Surroundings(shapes=shapes, over=over),
            Surroundings(values, shapes, over),
        )
    ]
    assert [(each["replica_cores"], each["max_replicas"]) for each in found] == [
        (0.25, 6),
        (0.5, 6),
        (1.0, 4),
    ]
    assert [each["floors"][0]["wanted"] for each in found] == [20, 10, 5]
    assert [each["min_replicas"] for each in found] == [6, 6, 4]


def test_more_than_the_maximum_is_said_and_logged(fall_back, capsys):
    _, errors = fall_back(Surroundings({"checkout": {"cores": 1.0, "max": 4}}))
    told = "5 replicas are wanted from"
    assert f"checkout: {told}" in capsys.readouterr().out
    assert any(told in each["reason"] and each["service"] == "checkout" for each in errors)


def test_what_does_not_fit_is_in_the_error_log(fall_back):
    _, errors = fall_back(Surroundings({"checkout": {"cores": 1.0, "kind": "StatefulSet"}}))
    assert any("neither cluster nor manifests" in each["reason"] for each in errors)


def test_the_document_has_the_place_of_the_settings(fall_back, monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", "prod")
    monkeypatch.setenv("PREDICTIVE_SCALING_NAMESPACE", "shop")
    document, _ = fall_back(Surroundings(lead_minutes=5))
    assert (document["environment"], document["namespace"], document["lead_minutes"]) == ("prod", "shop", 5)
    assert fall_back(Surroundings(namespace="other"))[0]["namespace"] == "other"
    with pytest.raises(InputError, match="no namespace's name"):
        fall_back(Surroundings(namespace="a/b"))


def test_one_prefix_of_a_registry_holds_one_namespace(fall_back, tmp_path):
    registry = str(tmp_path / "registry")
    fall_back(mode="publish", registry=registry)  # of an earlier release: no namespace is written
    fall_back(Surroundings(namespace="shop"), "publish", registry)
    before = (tmp_path / "registry/current.json").read_bytes()
    for other in (Surroundings(namespace="twin"), Surroundings()):
        for mode in ("publish", "forecast_only"):
            with pytest.raises(InputError, match=r"namespace shop, .* a prefix of its own"):
                fall_back(other, mode, registry)
    assert (tmp_path / "registry/current.json").read_bytes() == before
    fall_back(Surroundings(namespace="shop"), "publish", registry)


def recommend(tmp_path, *more):
    path = write(ROWS, tmp_path / "usage.csv")
    out = tmp_path / "out"
    argv = ["recommend", "--input", path, "--output", str(out), "--now", NOW, "--candidates", "last", *more]
    code = main(argv)
    return code, json.loads((out / "recommendation.json").read_bytes()) if code == 0 else None


def test_the_command_line_takes_files_of_each_kind(tmp_path):
    (tmp_path / "services.yaml").write_text("services: {checkout: {max: 3}}\n", "utf-8")
    (tmp_path / "rendered.yaml").write_text(DEPLOYMENT, "utf-8")
    write_bytes(tmp_path / "shapes.json", json.dumps(shapes_document([])).encode())
    files = ["--services", str(tmp_path / "services.yaml"), "--over", str(tmp_path / "rendered.yaml")]
    place = ["--shapes", str(tmp_path / "shapes.json"), "--namespace", "shop", "--lead-minutes", "15"]
    code, document = recommend(tmp_path, *files, *place)
    assert code == 0
    assert (document["namespace"], document["lead_minutes"]) == ("shop", 15)
    assert (cpu(document)["replica_cores"], cpu(document)["max_replicas"]) == (0.5, 3)


@pytest.mark.parametrize(
    ("option", "text", "told"),
    [
        (
            "--services",
            "services: {checkout: {core: 1}}",
            "services.checkout.core: unknown; did you mean cores?",
        ),
        ("--services", "a: [", "services.yaml:"),
        ("--over", "- 1", "rendered.yaml:1:1: no Kubernetes object"),
        ("--shapes", "{}", "shapes: schema is"),
        ("--shapes", "[", "shapes.json: not valid JSON"),
    ],
)
def test_files_that_cannot_be_understood_end_it_before_the_work(option, text, told, tmp_path, capsys):
    name = {"--services": "services.yaml", "--over": "rendered.yaml", "--shapes": "shapes.json"}[option]
    (tmp_path / name).write_text(text, "utf-8")
    assert recommend(tmp_path, option, str(tmp_path / name)) == (2, None)
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out/clean.csv.gz").exists()


def test_old_wrappers_still_say_one_size_for_all():
    """A registered pipeline's wrapper names cores and maximum in this order; its image may be of now."""
    assert PlanOptions(1.15, 4, 0.7, 1.0, 20, 1.3) == PlanOptions(
        replica_cores=1.0, max_replicas=20, max_headroom=1.3
    )


@pytest.mark.parametrize(("namespace", "refused"), [("mail", True), ("shop", False), ("", False)])
def test_manifests_of_other_namespaces_alone_are_a_slip_that_is_told(tmp_path, namespace, refused):
    (tmp_path / "rendered.yaml").write_text(DEPLOYMENT)
    around = Surroundings(over=[str(tmp_path / "rendered.yaml")], namespace=namespace)
    if refused:
        with pytest.raises(
            InputError, match="no workload of namespace mail; its workloads are in shop: render"
        ):
            around.merged()
    else:
        assert "checkout" in around.merged().shapes
