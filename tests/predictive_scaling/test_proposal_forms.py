"""The forms of a memory floor: the template, a VPA's minAllowed, the whole pod's request; never two at once."""

import pytest
import yaml
from predictive_scaling.proposals.releasing import propose, run_files
from predictive_scaling.shapes.shape import Amounts, Container, Scaler, Shape
from predictive_scaling.store.opening import open_registry
from proposal_kit import MIB, RUN, Repository, bound, document, hpa, of_kind, requests, service, vpa, workload
from tools import kustomize_build

TWO = {"app": requests("100Mi", "1Gi"), "proxy": requests("64Mi")}
POLICIES = [
    {"containerName": "proxy", "mode": "Off"},
    {"containerName": "app", "minAllowed": {"cpu": "100m"}, "maxAllowed": {"memory": "2Gi"}},
]


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def shop(containers=None, **more):
    return workload(namespace="shop", containers=containers or {"app": requests("100Mi", "1Gi")}, **more)


def built(repository, rendered):
    repository.write(rendered)
    return kustomize_build(repository.root / "overlay")


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        (POLICIES, {"cpu": "100m", "memory": "300Mi"}),
        ([POLICIES[0], {"containerName": "app", "minAllowed": {"memory": "80Mi"}}], {"memory": "300Mi"}),
        ([{"containerName": "app"}], {"memory": "300Mi"}),
        ([{"containerName": "proxy"}], {"memory": "300Mi"}),
        ([], {"memory": "300Mi"}),
        (None, {"memory": "300Mi"}),
    ],
)
def test_a_vpa_of_the_base_gives_at_least_the_floor(repository, capsys, policies, expected):
    things = [shop(TWO), vpa(namespace="shop", policies=policies)]
    assert repository.propose(capsys, document(service("checkout")), things, "--form", "vpa") == 0, (
        repository.told
    )
    assert "VPA checkout app: minAllowed memory" in repository.said
    assert f"→ 300Mi (run {RUN})" in repository.said
    things = built(repository, things)
    listed = of_kind(things, "VerticalPodAutoscaler")["spec"]["resourcePolicy"]["containerPolicies"]
    (own,) = [each for each in listed if each["containerName"] == "app"]
    assert own["minAllowed"] == expected
    assert len(listed) == len(
        {each["containerName"] for each in [*(policies or []), {"containerName": "app"}]}
    )
    template = of_kind(things, "Deployment")["spec"]["template"]
    assert template["spec"]["containers"][0]["resources"]["requests"] == {"memory": "100Mi"}
    before = repository.files()
    assert (
        repository.propose(
            capsys,
            document(service("checkout")),
            [shop(TWO), vpa(namespace="shop", policies=policies)],
            "--form",
            "vpa",
        )
        == 0
    )
    assert repository.files() == before


def test_a_container_that_moved_in_the_list_of_policies_breaks_no_other(repository, capsys):
    """The patch tests the name first, so kustomize refuses the build instead of raising another container."""
    things = [shop(TWO), vpa(namespace="shop", policies=POLICIES)]
    assert repository.propose(capsys, document(service("checkout")), things, "--form", "vpa") == 0
    moved = [things[0], vpa(namespace="shop", policies=POLICIES[::-1])]
    with pytest.raises(AssertionError, match="test failed"):
        built(repository, moved)
    assert repository.propose(capsys, document(service("checkout", memory=200)), moved, "--form", "vpa") == 0
    listed = of_kind(built(repository, moved), "VerticalPodAutoscaler")["spec"]["resourcePolicy"][
        "containerPolicies"
    ]
    assert listed[0]["minAllowed"]["memory"] == "300Mi"


def test_a_policy_for_all_is_raised_where_there_is_one_container(repository, capsys):
    every = [{"containerName": "*", "minAllowed": {"memory": "10Mi"}}]
    one = [shop(), vpa(namespace="shop", policies=every)]
    assert repository.propose(capsys, document(service("checkout")), one, "--form", "vpa") == 0
    listed = of_kind(built(repository, one), "VerticalPodAutoscaler")["spec"]["resourcePolicy"][
        "containerPolicies"
    ]
    assert listed == [{"containerName": "*", "minAllowed": {"memory": "300Mi"}}]
    two = [shop(TWO), vpa(namespace="shop", policies=every)]
    (repository.tree / "shop/checkout/vpa.yaml").unlink()
    (repository.tree / "kustomization.yaml").unlink()
    assert repository.propose(capsys, document(service("checkout")), two, "--form", "vpa") == 1
    assert "has no policy for app, only for *; write one" in repository.told


def test_without_a_vpa_one_is_added_whose_floor_is_in_the_same_text(repository, capsys):
    things = [shop(), hpa(namespace="shop")]
    assert repository.propose(capsys, document(service("checkout")), things, "--form", "vpa") == 0
    made = built(repository, things)
    spec = of_kind(made, "VerticalPodAutoscaler", namespace="shop")["spec"]
    assert spec["targetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    assert spec["updatePolicy"] == {"updateMode": "InPlaceOrRecreate", "minReplicas": 1}
    assert spec["resourcePolicy"]["containerPolicies"][0]["minAllowed"] == {"memory": "300Mi"}
    # Rendered with the floors, too, it is known as the tree's own.
    assert repository.propose(capsys, document(service("checkout", memory=400)), made, "--form", "vpa") == 0
    assert "minAllowed memory 300Mi → 400Mi" in repository.said
    spec = of_kind(built(repository, things), "VerticalPodAutoscaler")["spec"]
    assert spec["resourcePolicy"]["containerPolicies"][0]["minAllowed"] == {"memory": "400Mi"}


def test_a_vpa_of_the_tree_is_for_each_container_and_never_lower_than_the_template(repository, capsys):
    listed = [{"name": name, "memory": {"request": 200 * MIB}} for name in ("app", "proxy")]
    things = [shop({"app": requests("1Gi"), "proxy": requests("64Mi")})]
    one = service("checkout", container="app", containers=listed)
    assert repository.propose(capsys, document(one), things, "--form", "vpa") == 0
    found = of_kind(built(repository, things), "VerticalPodAutoscaler")["spec"]["resourcePolicy"][
        "containerPolicies"
    ]
    by_name = {each["containerName"]: each for each in found}
    assert set(by_name) == {"proxy", "*"}  # a VPA could only lower app
    assert by_name["proxy"]["minAllowed"] == {"memory": "200Mi"}
    listed[0]["memory"] = {"request": 2000 * MIB}
    assert repository.propose(capsys, document(one), things, "--form", "vpa") == 0
    found = of_kind(built(repository, things), "VerticalPodAutoscaler")["spec"]["resourcePolicy"][
        "containerPolicies"
    ]
    by_name = {each["containerName"]: each for each in found}
    assert by_name["app"]["minAllowed"] == {"memory": "2000Mi"}
    assert {each["controlledValues"] for name, each in by_name.items() if name != "*"} == {"RequestsOnly"}
    assert {tuple(each["controlledResources"]) for name, each in by_name.items() if name != "*"} == {
        ("memory",)
    }
    things[0]["spec"]["template"]["spec"]["containers"][0]["resources"] = requests("3Gi")
    assert repository.propose(capsys, document(one), things, "--form", "vpa") == 0
    assert "app: minAllowed memory 2000Mi → 3072Mi" in repository.said


@pytest.mark.parametrize(
    ("things", "told"),
    [
        ([shop(), vpa(namespace="shop", policies=[{"containerName": "app", "maxAllowed": {"memory": "256Mi"}}])],
         "app: memory 300Mi is above maxAllowed 256Mi (rendered.yaml:"),
        ([shop(), vpa(namespace="shop", mode="Off")], "does not set the memory of app"),
        ([shop(), vpa(namespace="shop", policies=[{"containerName": "app", "controlledResources": ["cpu"]}])],
         "does not set the memory of app"),
        ([shop(), vpa(namespace="shop"), vpa("b", namespace="shop")], "set its memory; keep one"),
        ([shop({"app": requests("100Mi", "256Mi")}),
          vpa(namespace="shop", policies=[{"containerName": "app", "controlledValues": "RequestsOnly"}])],
         "app: memory 300Mi is above its limit 256Mi"),
        # The limit follows in the template's ratio: 1Gi × 300/100.
        ([shop(), vpa(namespace="shop"),
          bound("ResourceQuota", "all", {"hard": {"limits.memory": "2Gi"}})], "quota all allows limits.memory 2Gi"),
        ([shop(), vpa(namespace="shop"),
          bound("LimitRange", "most", {"limits": [{"type": "Container", "max": {"memory": "2Gi"}}]})],
         "app: its limit 3072Mi would be above the maximum of LimitRange most, 2Gi"),
    ],
)  # fmt: skip
def test_what_a_vpa_could_not_give_is_left_out(repository, capsys, things, told):
    assert repository.propose(capsys, document(service("checkout")), things, "--form", "vpa") == 1
    assert told in repository.told
    assert not [path for path in repository.files() if "vpa" in path]


def test_a_vpa_that_evicts_is_told(repository, capsys):
    things = [shop(), vpa(namespace="shop", mode="Recreate")]
    assert repository.propose(capsys, document(service("checkout")), things, "--form", "vpa") == 0
    assert "evicts pods to act: its updateMode is Recreate" in repository.said


def test_a_vpa_that_does_nothing_to_one_replica_is_told(repository, capsys):
    things = [shop(), vpa(namespace="shop")]
    assert repository.propose(capsys, document(service("checkout")), things, "--form", "vpa") == 0
    assert "does nothing to one replica: updatePolicy.minReplicas: 1" in repository.said
    repository.put("kustomization.yaml", "")
    things = [shop(), vpa(namespace="shop"), hpa(namespace="shop", least=2)]
    assert repository.propose(capsys, document(service("checkout")), things, "--form", "vpa") == 0
    assert "one replica" not in repository.said


def test_a_vpa_of_the_tree_goes_with_its_service(repository, capsys):
    assert repository.propose(capsys, document(service("checkout")), [shop()], "--form", "vpa") == 0
    other = [workload("other", namespace="shop")]
    assert repository.propose(capsys, document(service("other")), other) == 0
    assert "took out shop/checkout/vpa.yaml" in repository.said
    assert "vpa" not in repository.text("kustomization.yaml")
    built(repository, other)


@pytest.mark.parametrize(("first", "second"), [("template", "vpa"), ("vpa", "template")])
def test_the_forms_are_never_beside_one_another(repository, capsys, first, second):
    things = [shop()]
    assert repository.propose(capsys, document(service("checkout")), things, "--form", first) == 0
    before = repository.files()
    assert (
        repository.propose(capsys, document(service("checkout", memory=400)), things, "--form", second) == 1
    )
    assert f"go on with --form {first}, or delete that" in repository.told
    assert repository.files() == before


@pytest.mark.parametrize(
    ("resources", "expected"),
    [({}, "364Mi"), ({"requests": {"memory": "1Gi"}}, None), ({"requests": {"memory": "200Mi"}}, "364Mi")],
)
def test_the_whole_pods_request_holds_all_its_containers(repository, capsys, resources, expected):
    things = [shop(TWO, **({"resources": resources} if resources else {}))]
    assert repository.propose(capsys, document(service("checkout")), things, "--form", "pod") == 0
    found = of_kind(built(repository, things), "Deployment")["spec"]["template"]["spec"]
    assert found["resources"]["requests"]["memory"] == (expected or "1Gi")
    assert [each["resources"].get("requests") for each in found["containers"]] == [
        {"memory": "100Mi"},
        {"memory": "64Mi"},
    ]


def test_the_whole_pods_limit_bounds_it(repository, capsys):
    things = [shop(TWO, resources={"limits": {"memory": "256Mi"}})]
    assert repository.propose(capsys, document(service("checkout")), things, "--form", "pod") == 1
    assert "pod: memory 364Mi is above its limit 256Mi (rendered.yaml:" in repository.told


@pytest.mark.parametrize("resources", [{}, requests("100Mi"), requests(limit="1Gi"), requests(cpu="1")])
def test_a_rollout_is_patched_by_operations_since_kustomize_would_replace_its_list(
    repository, capsys, resources
):
    made = shop({"app": resources, "proxy": requests("64Mi")}, kind="Rollout") | {
        "apiVersion": "argoproj.io/v1alpha1"
    }
    assert repository.propose(
        capsys, document(service("checkout", container="app", memory=2000)), [made]
    ) == (1 if resources.get("limits") else 0)
    if resources.get("limits"):
        return
    found = of_kind(built(repository, [made]), "Rollout")["spec"]["template"]["spec"]["containers"]
    assert [each["resources"]["requests"].get("memory") for each in found] == ["2000Mi", "64Mi"]
    assert found[0]["image"] == "registry.example.com/it:1"


def test_a_service_has_a_form_of_its_own(repository, capsys):
    repository.put("proposal.yaml", "form: vpa\nservices:\n  other: {form: pod}\n")
    things = [shop(), workload("other", namespace="shop", containers={"app": requests("100Mi")})]
    assert repository.propose(capsys, document(service("checkout"), service("other")), things) == 0
    assert "raised shop/checkout VPA checkout app: minAllowed memory" in repository.said
    assert "raised shop/other pod: memory none → 300Mi" in repository.said


def test_settings_that_are_none_are_told_all_at_once(repository, capsys):
    text = "form: helm\nallowlower: 20%\nholdOff: soon\nservices: {a: {allowLower: much}}\n"
    repository.put("proposal.yaml", text)
    assert repository.propose(capsys, document(service("checkout")), [shop()]) == 2
    assert "proposal.yaml:1: form is 'helm'; write template, vpa or pod" in repository.told
    assert "proposal.yaml:2: allowlower is no setting; did you mean allowLower?" in repository.told
    assert "proposal.yaml:3: holdOff is 'soon'" in repository.told
    assert "proposal.yaml:4: allowLower is 'much'" in repository.told


SHAPE = Shape(
    "checkout", "shop", "Deployment", 2, (Container("app", Amounts(0.5, 100.0 * MIB), Amounts(None, 1024.0 * MIB)),),
    scaler=Scaler("HorizontalPodAutoscaler", "checkout-hpa", 2, 20),
)  # fmt: skip


def test_a_run_proposes_over_what_it_saw_of_the_cluster():
    files = run_files(document(service("checkout")), [SHAPE])
    assert yaml.safe_load(files["shop/checkout/hpa.yaml"])["metadata"]["name"] == "checkout-hpa"
    assert "app: memory 104857600 → 300Mi" in files["told.txt"]
    assert "name: checkout-hpa" in files["kustomization.yaml"]
    lower = run_files(document(service("checkout", replicas=1, memory=50)), [SHAPE])
    assert set(lower) == {"kustomization.yaml", "told.txt"}
    assert lower["told.txt"] == "nothing to raise\n"


@pytest.mark.parametrize("shapes", [[], [Shape("checkout", "shop", "Deployment")], [Shape("checkout")]])
def test_a_run_that_saw_nothing_proposes_nothing_and_says_so(shapes):
    files = run_files(document(service("checkout")), shapes)
    assert set(files) == {"kustomization.yaml", "told.txt"}
    assert "left out shop/checkout: what it is laid over is not known here" in files["told.txt"]


def test_a_runs_proposal_heeds_limits_and_maxima():
    files = run_files(document(service("checkout", replicas=30), service("other")), [SHAPE])
    assert "30 replicas are above its maximum 20 (the cluster, as the run saw it)" in files["told.txt"]
    assert "shop/checkout/memory.yaml" not in files


def test_a_runs_proposal_goes_into_the_registry_by_run(tmp_path):
    registry = open_registry(str(tmp_path))
    made = document(service("checkout"))
    folder = propose(registry, made, run_files(made, [SHAPE]))
    assert folder == f"proposals/{RUN}"
    assert registry.get(f"{folder}/shop/checkout/hpa.yaml").endswith(b"minReplicas: 3\n")


def test_a_vpa_of_the_tree_takes_no_name_that_another_workload_s_has(repository, capsys):
    """Two VPAs of one name: kustomize builds nothing any more."""
    things = [workload(kind="StatefulSet", namespace="shop"), vpa(of="api", namespace="shop")]
    arguments = (document(service("checkout", None)), things, "--form", "vpa")
    assert repository.propose(capsys, *arguments) == 0, repository.told
    made = built(repository, things)
    spec = of_kind(made, "VerticalPodAutoscaler", "checkout-statefulset")["spec"]
    assert spec["targetRef"] == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "checkout"}
    assert of_kind(made, "VerticalPodAutoscaler", "checkout")["spec"]["targetRef"]["name"] == "api"
    before = repository.files()
    assert repository.propose(capsys, *arguments) == 0
    assert repository.files() == before
