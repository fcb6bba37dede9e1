"""Shapes from rendered manifests, from what people say, and which of them counts."""

import pytest
from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes.manifests import manifest_shapes
from predictive_scaling.shapes.merged import merged
from predictive_scaling.shapes.quantity import quantity
from predictive_scaling.shapes.shape import Amounts, Container, Scaler, Shape, Use
from predictive_scaling.shapes.values import Said, read_services, said_of

MEBI = 2**20

TREE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout, namespace: shop}
spec:
  replicas: 3
  template:
    spec:
      initContainers:
      - {name: migrate, resources: {requests: {cpu: 4}}}
      - {name: proxy, restartPolicy: Always, resources: {requests: {cpu: 100m, memory: 64Mi}}}
      containers:
      - name: app
        resources: {requests: {cpu: 400m, memory: 256Mi}, limits: {cpu: '1', memory: 1Gi}}
      - {name: log, resources: {limits: {cpu: 50m, memory: 1e8}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: checkout-hpa, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
  minReplicas: 2
  maxReplicas: 12
  metrics:
  - type: Resource
    resource: {name: memory, target: {type: Utilization, averageUtilization: 90}}
  - type: ContainerResource
    containerResource: {name: cpu, container: app, target: {type: Utilization, averageUtilization: 65}}
---
# a StatefulSet that KEDA scales, one that an autoscaler of version 1 does, and what concerns nobody here
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: queue, namespace: shop}
spec: {template: {spec: {resources: {requests: {cpu: 750m}}, containers: [{name: queue}]}}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: queue-scaler, namespace: shop}
spec:
  scaleTargetRef: {kind: StatefulSet, name: queue}
  triggers: [{type: cpu, metricType: Utilization, metadata: {value: '70'}}]
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: DaemonSet
  metadata: {name: agent}
  spec: {template: {spec: {containers: [{name: agent}]}}}
- apiVersion: argoproj.io/v1alpha1
  kind: Rollout
  metadata: {name: web, namespace: shop}
  spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
  spec: {template: {spec: {containers: [{name: nginx, resources: {requests: {cpu: 0.25}}}]}}}
- apiVersion: autoscaling/v1
  kind: HorizontalPodAutoscaler
  metadata: {name: web, namespace: shop}
  spec: {scaleTargetRef: {kind: Rollout, name: web}, maxReplicas: 9, targetCPUUtilizationPercentage: 80}
---
"""


@pytest.fixture(scope="module")
def tree():
    return {shape.service: shape for shape in manifest_shapes(TREE, "rendered.yaml")}


def test_containers_have_their_requests_and_limits_and_native_sidecars_count(tree):
    assert tree["checkout"].containers == (
        Container("app", Amounts(0.4, 256 * MEBI), Amounts(1.0, 1024 * MEBI)),
        Container(
            "log", Amounts(0.05, 1e8), Amounts(0.05, 1e8)
        ),  # no request: its limit, as the API server has it
        Container("proxy", Amounts(0.1, 64 * MEBI), sidecar=True),
    )
    assert tree["checkout"].replica_cores == pytest.approx(0.55)
    assert tree["checkout"].replicas == 3


def test_autoscalers_are_found_by_what_they_scale(tree):
    assert tree["checkout"].scaler == Scaler("HorizontalPodAutoscaler", "checkout-hpa", 2, 12, 0.65)
    assert tree["queue"].scaler == Scaler("ScaledObject", "queue-scaler", 0, 100, 0.7)
    assert tree["web"].scaler == Scaler("HorizontalPodAutoscaler", "web", 1, 9, 0.8)
    assert tree["agent"].scaler is None


def test_kinds_namespaces_and_pod_level_requests(tree):
    assert {name: (shape.kind, shape.namespace) for name, shape in tree.items()} == {
        "checkout": ("Deployment", "shop"),
        "queue": ("StatefulSet", "shop"),
        "agent": ("DaemonSet", ""),
        "web": ("Rollout", "shop"),
    }
    assert tree["queue"].pod.cpu == tree["queue"].replica_cores == 0.75


def test_a_rollout_has_the_pods_of_the_deployment_that_it_refers_to(tree):
    assert tree["web"].containers == (Container("nginx", Amounts(0.25)),)


DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: "


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: [", ": this is no YAML"),
        ("a: b\n- c", "f.yaml:2:1: this is no YAML"),
        ("- 1", "f.yaml:1:1: no Kubernetes object"),
        ("a: *b", "f.yaml:1:4: the alias *b has no anchor"),
        ("a: {<<: {b: c}}", "f.yaml:1:5: merge keys"),
        ("a: 1\na: 2", "f.yaml:2:1: 'a' stands twice"),
        ("? [a]\n: b", "f.yaml:1:3: a key that is no text"),
        ("[" * 5000, "f.yaml:1:101: nested deeper than 100"),
        ("a: \x00", "f.yaml: this is no YAML"),
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: [1]",
            "f.yaml:1:1: Deployment without metadata.name",
        ),
        (f"{DEPLOYMENT}{{replicas: -1}}", "f.yaml:4:18: replicas must be a whole number"),
        (f"{DEPLOYMENT}{{template: {{spec: {{containers: {{a: b}}}}}}}}", "containers must be a list"),
        (
            f"{DEPLOYMENT}{{template: {{spec: {{containers: [{{name: A_b}}]}}}}}}",
            "a container without a name",
        ),
        (
            f"{DEPLOYMENT}{{template: {{spec: {{containers: [{{name: a, resources: {{limits: {{cpu: much}}}}}}]}}}}}}",
            "f.yaml:4:75: 'much' is no quantity",
        ),
        (
            f"{DEPLOYMENT}{{template: {{spec: {{containers: [{{name: a, resources: {{requests: {{cpu: 9E}}}}}}]}}}}}}",
            "no node has that",
        ),
        (
            f"{DEPLOYMENT}{{}}\n---\n{DEPLOYMENT}{{}}",
            "f.yaml:6:1: Deployment web stands at f.yaml:1:1 already",
        ),
        (
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {}",
            "scaleTargetRef",
        ),
        (
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n"
            "spec: {scaleTargetRef: {kind: Deployment, name: a}}",
            "no spec.maxReplicas",
        ),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place(text, told):
    with pytest.raises(InputError) as error:
        manifest_shapes(text, "f.yaml")
    assert told in str(error.value)
    assert all(line.startswith("f.yaml:") for line in str(error.value).splitlines())


def test_everything_that_is_wrong_is_told_at_once():
    text = f"{DEPLOYMENT}{{replicas: -1}}\n---\napiVersion: apps/v1\nkind: StatefulSet\n"
    with pytest.raises(InputError) as error:
        manifest_shapes(text, "f.yaml")
    assert [line.split(": ")[0] for line in str(error.value).splitlines()] == ["f.yaml:4:18", "f.yaml:6:1"]


def test_aliases_of_aliases_stay_as_small_as_they_are():
    bomb = "\n".join(f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9) if at else 'x'}]" for at in range(30))
    assert manifest_shapes(f"kind: Bomb\n{bomb}\n", "f.yaml") == []


def test_an_object_of_the_same_kind_and_another_group_is_passed_by():
    assert (
        manifest_shapes("apiVersion: example.com/v1\nkind: Deployment\nmetadata: {name: web}", "f.yaml") == []
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", 0.5),
        ("0.1", 0.1),
        ("2Gi", 2 * 2**30),
        ("1e3", 1000.0),
        ("1E3", 1000.0),
        ("3E", 3e18),
        (".5k", 500.0),
    ],
)
def test_quantities_are_read_as_kubernetes_reads_them(text, value):
    assert quantity(text) == value


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "-1", "1gi", "0x10", "1e", "nan", "١"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(InputError):
        quantity(text)


def test_what_people_say_is_read_from_values_and_from_a_file(tmp_path):
    said = {"checkout": Said("app", 0.5, 40, "Deployment")}
    # KFP hands 40 over as 40.0.
    fields = {"container": "app", "cores": 0.5, "max": 40.0, "kind": "Deployment"}
    assert said_of({"checkout": fields}) == said
    (tmp_path / "services.yaml").write_text(
        "services:\n  checkout: {container: app, cores: 500m, max: 40, kind: Deployment}\n", "utf-8"
    )
    assert said_of(read_services(tmp_path / "services.yaml")) == said
    assert said_of(None) == said_of({}) == {}


@pytest.mark.parametrize(
    ("services", "told"),
    [
        ({"web": {"core": 1}}, "services.web.core: unknown; did you mean cores?"),
        ({"web": {"cores": 0}}, "services.web.cores: must be cores above 0"),
        ({"web": {"cores": True}}, "services.web.cores"),
        ({"web": {"cores": float("nan")}}, "services.web.cores"),
        ({"web": {"max": 1.5}}, "services.web.max: must be a whole number"),
        ({"web": {"max": 0}}, "services.web.max"),
        ({"web": {"kind": "Job"}}, "services.web.kind: must be one of"),
        ({"web": {"container": "../x"}}, "services.web.container"),
        ({"web": 3}, "services.web: must be a mapping"),
        ({"a/b": {}}, "services.a/b: not a DNS-1123 label"),
        ([1], "services: must be a mapping"),
    ],
)
def test_values_that_cannot_be_are_told_with_their_path(services, told):
    with pytest.raises(InputError, match=told.split(";", maxsplit=1)[0]) as error:
        said_of(services)
    assert told in str(error.value)


def test_a_file_without_services_says_what_to_write(tmp_path):
    (tmp_path / "f.yaml").write_text("checkout: {cores: 1}\n", "utf-8")
    with pytest.raises(InputError, match="write services:"):
        read_services(tmp_path / "f.yaml")


SEEN = Shape(
    "web",
    "shop",
    "Deployment",
    5,
    (
        Container("app", Amounts(0.1, 1.0), Amounts(1.0, 2.0), use=Use(Amounts(0.3, 4.0))),
        Container("injected", Amounts(0.2)),
    ),
    scaler=Scaler("HorizontalPodAutoscaler", "web", 1, 5),
)
WRITTEN = Shape("web", "", "Deployment", None, (Container("app", Amounts(0.5)), Container("new")))


def test_manifests_count_over_the_cluster_and_people_over_both():
    found = merged([SEEN], [WRITTEN], {"web": Said("app", None, 40)}, "shop")
    assert found.told == {}
    web = found.shapes["web"]
    assert web.containers == (
        Container("app", Amounts(0.5, 1.0), Amounts(1.0, 2.0), use=Use(Amounts(0.3, 4.0))),
        Container("new"),
        Container("injected", Amounts(0.2)),
    )
    assert (web.replicas, web.scaler, web.max_replicas, web.main) == (5, SEEN.scaler, 40, "app")


def test_a_name_of_two_kinds_is_told_and_left_out_until_values_choose():
    both = [SEEN, Shape("web", "shop", "StatefulSet", 2)]
    found = merged(both)
    assert found.shapes == {}
    assert found.told["web"].startswith(
        "Deployment and StatefulSet have this name; choose by services: {web: {kind:"
    )
    assert merged(both, said={"web": Said(kind="StatefulSet")}).shapes["web"].replicas == 2


def test_a_name_in_two_namespaces_is_told_until_the_run_names_one():
    both = [SEEN, Shape("web", "twin", "Deployment", 2)]
    assert "the namespaces shop and twin" in merged(both).told["web"]
    assert merged(both, namespace="twin").shapes["web"].replicas == 2


def test_what_is_said_and_does_not_fit_is_told():
    found = merged([SEEN], said={"web": Said(container="web"), "gone": Said(kind="Deployment", cores=1.0)})
    assert found.told["web"] == "services names the container web; there are app, injected"
    assert "neither cluster nor manifests" in found.told["gone"]
    assert found.shapes["gone"].replica_cores == 1.0


def test_values_alone_make_a_shape():
    assert merged(said={"web": Said(cores=0.5, max=3)}).shapes["web"] == Shape("web", cores=0.5, max=3)
