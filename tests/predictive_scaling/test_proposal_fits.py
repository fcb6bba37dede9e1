"""What a proposal does not fit is left out and told with its place; the others of the tree are raised."""

import json
from fractions import Fraction

import pytest
from predictive_scaling.__main__ import main
from predictive_scaling.base.errors import InputError
from predictive_scaling.proposals.floors import floors
from predictive_scaling.proposals.over import ground
from predictive_scaling.proposals.quantity import mebibytes, parse
from proposal_kit import (
    RUN,
    Repository,
    bound,
    document,
    hpa,
    node,
    requests,
    scaled_object,
    service,
    vpa,
    workload,
)

OTHER = [workload("other", namespace="shop"), hpa("other", "other", namespace="shop")]
DEFAULT = bound("LimitRange", "defaults", {"limits": [{"type": "Container", "default": {"memory": "256Mi"}}]})
MOST = bound("LimitRange", "most", {"limits": [{"type": "Container", "max": {"memory": "256Mi"}}]})
POD = bound("LimitRange", "pods", {"limits": [{"type": "Pod", "max": {"memory": "320Mi"}}]})
LIMITED = {"app": requests("100Mi", "1Gi")}
QUOTA = bound("ResourceQuota", "all", {"hard": {"requests.memory": "1Gi"}})
CPUS = bound("ResourceQuota", "cpus", {"hard": {"requests.cpu": "2"}})
PODS = bound("ResourceQuota", "pods", {"hard": {"pods": "3"}})


def scoped(*scopes, operator="", values=(), hard=("pods", "1")):
    """A quota of one pod, or of something else, with scopes in either way of writing them."""
    spec = {"hard": dict([hard])}
    if not operator:
        return bound("ResourceQuota", "scoped", spec | {"scopes": list(scopes)})
    asked = [{"scopeName": each, "operator": operator, "values": list(values)} for each in scopes]
    return bound("ResourceQuota", "scoped", spec | {"scopeSelector": {"matchExpressions": asked}})


def term(**more):
    return {"topologyKey": "zone", **more}


def near(**more):
    """Affinity of a pod, as it is preferred."""
    preferred = [{"weight": 1, "podAffinityTerm": term(**more)}]
    return {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}}


TWO = {"app": requests("100Mi"), "proxy": requests("64Mi")}


def shop(containers=None, **more):
    return workload(namespace="shop", containers=containers, **more)


UNFIT = {
    "limit": ([shop({"app": requests("100Mi", "256Mi")})], "app: memory 300Mi is above its limit 256Mi", 1),
    "two equal containers": ([shop({"a": {}, "b": {}})], "which of its containers (a, b;", 1),
    "LimitRange default": ([shop(), DEFAULT], "above the limit 256Mi that LimitRange defaults gives it", 1),
    "LimitRange maximum": ([shop(LIMITED), MOST], "above the maximum of LimitRange most, 256Mi", 1),
    "LimitRange of pods": ([shop(TWO), POD], "a pod of 364Mi is above the maximum of LimitRange pods, 320Mi", 1),
    "quota of memory": ([shop(), hpa(namespace="shop"), QUOTA], "quota all allows requests.memory 1Gi", 1),
    "quota of cpu": (
        [shop({"app": requests(cpu="700m")}), hpa(namespace="shop"), CPUS],
        "quota cpus allows requests.cpu 2 (rendered.yaml:41), and 2.8 would be needed",
        1,
    ),
    "quota of long pods": (
        [shop(), hpa(namespace="shop"), scoped("NotTerminating", "NotBestEffort")],
        "quota scoped allows pods 1", 1,
    ),
    "quota of its priority": (
        [shop(priorityClassName="low"), hpa(namespace="shop"),
         scoped("PriorityClass", operator="In", values=["high", "low"], hard=("requests.memory", "1Gi"))],
        "quota scoped allows requests.memory 1Gi", 1,
    ),
    "quota of any priority": (
        [shop(priorityClassName="low"), hpa(namespace="shop"), scoped("PriorityClass")],
        "quota scoped allows pods 1", 1,
    ),
    "quota of all but a priority": (
        [shop(), hpa(namespace="shop"), scoped("PriorityClass", operator="NotIn", values=["high"])],
        "quota scoped allows pods 1", 1,
    ),
    "quota of affinity by selector": (
        [shop(**near(namespaceSelector={})), hpa(namespace="shop"), scoped("CrossNamespacePodAffinity")],
        "quota scoped allows pods 1", 1,
    ),
    "quota of affinity by name": (
        [shop(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term(namespaces=["a"])]}}),
         hpa(namespace="shop"), scoped("CrossNamespacePodAffinity")],
        "quota scoped allows pods 1", 1,
    ),
    "quota of pods": ([shop(), hpa(namespace="shop"), PODS], "quota pods allows pods 3", 1),
    "a node": ([shop(), node("small", "128Mi"), node("large", "256Mi")], "the largest, large, has 256Mi", 1),
    "a node that takes no pods": (
        [shop(), node("small", "256Mi"), node("closed", "64Gi", closed=True)], "the largest, small, has 256Mi", 1,
    ),
    "nodes that it selects": (
        [shop(nodeSelector={"pool": "a"}), node("a", "256Mi", {"pool": "a"}), node("b", "64Gi")],
        "the largest, a, has 256Mi", 1,
    ),
    "maximum of an HPA": ([shop(), hpa(namespace="shop", most=2)], "3 replicas are above its maximum 2", 1),
    "maximum of a ScaledObject": ([shop(), scaled_object(namespace="shop", most=2)], "above its maximum 2", 1),
    "two autoscalers": (
        [shop(), hpa(namespace="shop"), scaled_object(namespace="shop")],
        "scale it: none of them acts; keep one", 1,
    ),
    "a VPA": ([shop(), vpa(namespace="shop")], "sets its memory, whatever the template asks: --form vpa", 1),
    "pod-level requests": (
        [shop(resources=requests("256Mi"))],
        "its containers ask for 300Mi, the pod for 256Mi (rendered.yaml:20); raise that with --form pod", 1,
    ),
}  # fmt: skip


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_is_left_out_with_its_place_and_the_rest_is_raised(repository, capsys, name):
    things, told, code = UNFIT[name]
    more = [] if "quota" in name or "LimitRange" in name or "node" in name else OTHER
    both = document(service("checkout"), *([service("other")] if more else []))
    assert repository.propose(capsys, both, [*things, *more]) == code
    assert told in repository.told
    assert "rendered.yaml:" in repository.told
    assert "raised shop/checkout" not in repository.said
    assert not [path for path in repository.files() if "checkout" in path]
    if more:
        assert "raised shop/other app: memory none → 300Mi" in repository.said


FIT = {
    "limit": [shop({"app": requests("100Mi", "300Mi")})],
    "own limit beside a LimitRange": [shop(LIMITED), DEFAULT],
    "LimitRange of another namespace": [shop(), DEFAULT | {"metadata": {"name": "x", "namespace": "other"}}],
    "quota": [shop(), hpa(namespace="shop"), bound("ResourceQuota", "all", {"hard": {"memory": "1200Mi"}})],
    "quota of best effort": [shop(), hpa(namespace="shop"), scoped("BestEffort")],
    "quota of what terminates": [shop(), hpa(namespace="shop"), scoped("Terminating", "NotBestEffort")],
    "quota of another priority": [
        shop(priorityClassName="low"),
        hpa(namespace="shop"),
        scoped("PriorityClass", operator="In", values=["high"]),
    ],
    "quota of any priority": [shop(), hpa(namespace="shop"), scoped("PriorityClass")],
    "quota of no priority": [
        shop(priorityClassName="low"),
        hpa(namespace="shop"),
        scoped("PriorityClass", operator="DoesNotExist"),
    ],
    "quota of affinity": [shop(**near()), hpa(namespace="shop"), scoped("CrossNamespacePodAffinity")],
    "quota of volumes": [shop(), hpa(namespace="shop"), scoped("VolumeAttributesClass")],
    "quota whose scope others have": [
        shop(),
        workload("other", namespace="shop"),
        hpa(namespace="shop", least=1),
        scoped("NotBestEffort", hard=("pods", "4")),
    ],
    "node": [shop(), node("large", "300Mi")],
    "VPA that is off": [shop(), vpa(namespace="shop", mode="Off")],
    "VPA of cpu": [
        shop(),
        vpa(namespace="shop", policies=[{"containerName": "*", "controlledResources": ["cpu"]}]),
    ],
    "pod-level requests": [shop(resources=requests("300Mi"))],
    "two containers, the larger one": [shop({"small": requests("10Mi"), "app": requests("20Mi")})],
    "two containers, the pods say which": [shop({"other": {}, "app": {}})],
}
FIT["two containers, the pods say which"][0]["spec"]["template"]["metadata"]["annotations"] = {
    "kubectl.kubernetes.io/default-container": "app"
}


@pytest.mark.parametrize("name", FIT)
def test_what_just_fits_is_raised(repository, capsys, name):
    assert repository.propose(capsys, document(service("checkout")), FIT[name]) == 0, repository.told
    assert f" → 300Mi (run {RUN})" in repository.said


def test_a_list_of_the_cluster_bounds_it_too(repository, capsys):
    live = repository.root / "live.yaml"
    live.write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [node("small", "256Mi"), DEFAULT]})
    )
    assert repository.propose(capsys, document(service("checkout")), [shop()], "--over", str(live)) == 1
    assert "the largest, small, has 256Mi" in repository.told
    assert "LimitRange defaults gives it" in repository.told


def test_quotas_are_for_all_services_together(repository, capsys):
    things = [shop(), *OTHER, hpa(namespace="shop")]
    quota = bound("ResourceQuota", "all", {"hard": {"requests.memory": "1300Mi"}})
    both = document(service("checkout"), service("other"))
    assert repository.propose(capsys, both, [*things, quota]) == 1
    assert "left out shop/other: quota all" in repository.told
    assert "raised shop/checkout app" in repository.said


def test_containers_are_raised_by_name(repository, capsys):
    listed = [
        {"name": "app", "memory": {"request": 400 * 2**20}},
        {"name": "proxy", "memory": {"request": 2**25}},
    ]
    one = service("checkout", container="app", containers=listed)
    assert repository.propose(capsys, document(one), [shop(TWO)]) == 0
    assert "raised shop/checkout app: memory 100Mi → 400Mi" in repository.said
    assert "proxy" not in repository.said
    strange = service("checkout", container="web")
    assert repository.propose(capsys, document(strange), [shop(TWO)]) == 1
    assert "Deployment checkout (rendered.yaml:1) has no container web, but app, proxy" in repository.told


def test_more_than_the_maximum_in_some_hour_and_recreate_are_told(repository, capsys):
    cpu = {"blocks": [{"min_replicas": 3}], "floors": [{"replicas": 3, "wanted": 44}]}
    things = [shop(spec={"strategy": {"type": "Recreate"}}), hpa(namespace="shop")]
    assert repository.propose(capsys, document({**service("checkout"), "cpu": cpu}), things) == 0
    assert "note shop/checkout: some hour wants 44 replicas; its maximum is 20 (" in repository.said
    assert "maximum.yaml" not in repository.text("kustomization.yaml")
    assert "none of its pods serves while this rolls out" in repository.said


def test_a_carried_entry_is_of_the_run_that_made_it(repository, capsys):
    one = service("checkout")
    one["memory"]["carried_from"] = "run-0"
    assert repository.propose(capsys, document(one), [shop()]) == 0
    assert "→ 300Mi (run run-0)" in repository.said


@pytest.mark.parametrize("text", ["lots", "1K", "-1", "1e999", "[1]"])
def test_a_value_that_is_no_quantity_is_told_with_its_line(repository, capsys, text):
    pod = f"{{containers: [{{name: a,\n  resources: {{requests: {{memory: {text}}}}}}}]}}"
    broken = f"kind: Deployment\nmetadata: {{name: a}}\nspec: {{template: {{spec: {pod}}}}}\n"
    assert repository.propose(capsys, document(service("a")), broken) == 2
    assert "rendered.yaml:4: " in repository.told
    assert "no quantity" in repository.told


@pytest.mark.parametrize(
    ("text", "value"),
    [("1Gi", 2**30), ("1.5Gi", 3 * 2**29), (".5k", 500), ("1e3", 1000), ("1E3", 1000), ("2.", 2), ("1E", 10**18),
     ("100m", Fraction(1, 10)), ("+5", 5), ("5K", None), ("", None), ("NaN", None), ("9Ei", None), ("1 Gi", None)],
)  # fmt: skip
def test_quantities_are_read_as_kubernetes_does(text, value):
    assert parse(text) == value


def test_memory_is_rounded_up():
    assert [mebibytes(each) for each in (1, 2**20, 2**20 + 1, 0)] == ["1Mi", "1Mi", "2Mi", "1Mi"]


def test_rendered_text_that_is_no_yaml_is_told():
    with pytest.raises(InputError, match=r"r\.yaml:2:1: this is no YAML"):
        ground([("r.yaml", "a: [\n")])


def test_a_container_that_the_cluster_adds_is_passed_by(repository, capsys):
    listed = [{"name": name, "memory": {"request": 300 * 2**20}} for name in ("app", "istio-proxy")]
    one = service("checkout", container="app", containers=listed)
    assert repository.propose(capsys, document(one), [shop(TWO)]) == 0
    assert "raised shop/checkout app: memory 100Mi → 300Mi" in repository.said
    assert "istio" not in repository.text("shop/checkout/memory.yaml")


def test_without_rendered_manifests_nothing_is_proposed(repository, capsys):
    (repository.root / "r.json").write_text(json.dumps(document(service("checkout"))))
    assert (
        main(["propose", "--recommendation", str(repository.root / "r.json"), "--into", str(repository.tree)])
        == 2
    )
    assert "give --over RENDERED.yaml" in capsys.readouterr().err
    assert not repository.tree.exists()


@pytest.mark.parametrize("scaler", [hpa, scaled_object])
def test_a_maximum_is_raised_by_a_proposal_of_its_own_where_people_ask_for_it(repository, capsys, scaler):
    cpu = {"blocks": [{"min_replicas": 30}], "floors": [{"replicas": 30, "wanted": 44}]}
    one = document({**service("checkout"), "cpu": cpu})
    things = [shop(), scaler(namespace="shop")]
    assert repository.propose(capsys, one, things) == 1
    assert "30 replicas are above its maximum 20" in repository.told
    assert repository.propose(capsys, one, things, "--raise-maximum") == 0, repository.told
    key = "maxReplicas" if scaler is hpa else "maxReplicaCount"
    assert f"raised shop/checkout {things[1]['kind']} checkout: {key} 20 → 44 (run {RUN})" in repository.said
    assert f"  {key}: 44\n" in repository.text("shop/checkout/maximum.yaml")
    assert repository.propose(capsys, one, things) == 0
    assert repository.said == "nothing to raise\n"


@pytest.mark.parametrize("value", ["*", "5", 10**30, -1, 2.5, [], None])
@pytest.mark.parametrize("metric", ["cpu", "memory"])
def test_a_recommendation_with_no_such_numbers_is_refused(value, metric):
    """An artifact comes by many hands, and a proposal goes into Git."""
    found = {"cpu": {"min_replicas": value}} if metric == "cpu" else {"memory": {"request": value or "x"}}
    if metric == "memory" and value == 2.5:
        return  # bytes are rounded up to MiB
    with pytest.raises(InputError, match="no recommendation of predictive-scaling/v1"):
        floors(document(service("checkout") | found))
