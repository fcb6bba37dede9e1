"""Proposals laid over real trees, and built by kustomize: whatever is in them, they build, and nothing is lowered."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import pytest
import yaml
from predictive_scaling.__main__ import main
from predictive_scaling.base.documents import pretty_bytes
from predictive_scaling.consumers.yamltext import MARK
from proposal_kit import (
    Repository,
    container_requests,
    document,
    hpa,
    of_kind,
    requests,
    scaled_object,
    service,
    workload,
)
from tools import kustomize_build


@dataclass
class Real:
    """A tree as people have it: base, what its overlay sets, and what the floors make of it."""

    base: list
    overlay: dict = field(default_factory=lambda: {"namespace": "shop"})
    memory: dict = field(default_factory=lambda: {"app": "300Mi"})
    replicas: int | None = 3
    name: str = "checkout"
    kind: str = "Deployment"
    scaler: str = "HorizontalPodAutoscaler"
    namespace: str = "shop"


SIDECAR = {"app": requests("200Mi"), "proxy": requests("64Mi"), "vector": {}}
INIT = {
    "initContainers": [{"name": "mesh", "image": "registry.example.com/mesh:1", "restartPolicy": "Always"}]
}

REAL = {
    "names fit": Real(
        [workload(containers={"checkout": requests("100Mi")}), hpa()], memory={"checkout": "300Mi"}
    ),
    "prefix and suffix": Real(
        [workload(), hpa()],
        {"namespace": "shop", "namePrefix": "eu-", "nameSuffix": "-v2"},
        name="eu-checkout-v2",
    ),
    "sidecars": Real(
        [workload(containers=SIDECAR, **INIT), hpa()],
        memory={"app": "300Mi", "proxy": "64Mi", "vector": None},
    ),
    "StatefulSet": Real([workload(kind="StatefulSet"), hpa(kind="StatefulSet")], kind="StatefulSet"),
    "ScaledObject": Real([workload(), scaled_object()], scaler="ScaledObject"),
    "HPA of another name": Real([workload(), hpa("checkout.by-cpu")]),
    "HPA v1": Real([workload(), hpa(api="autoscaling/v1")]),
    "no HPA": Real([workload()], replicas=None),
    "namespace in the file": Real([workload(namespace="shop"), hpa(namespace="shop")], {}),
    "no namespace at all": Real([workload(), hpa()], {}, namespace=""),
    "container named otherwise": Real([workload(containers={"web": {}}), hpa()], memory={"web": "300Mi"}),
    "higher than the floor": Real(
        [workload(containers={"app": requests("1Gi", "1Gi")}), hpa(least=5)],
        memory={"app": "1Gi"},
        replicas=5,
    ),
    "a limit and no request": Real(
        [workload(containers={"app": requests(limit="512Mi")}), hpa()], memory={"app": None}
    ),
}


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def rendered(repository, overlay=None):
    """What the overlay makes of the base, without the floors."""
    made = yaml.safe_load((repository.root / "overlay" / "plain.yaml").read_text())
    made["resources"] = ["../base"]
    folder = repository.root / "plain"
    folder.mkdir(exist_ok=True)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(made | (overlay or {})))
    return kustomize_build(folder)


@pytest.mark.parametrize("name", REAL)
def test_a_real_tree_builds_with_the_floors_and_nothing_lowered(repository, capsys, name):
    real = REAL[name]
    repository.write(real.base, real.overlay)
    plain = rendered(repository)
    assert repository.propose(capsys, document(service(real.name)), plain) == 0, repository.told
    built = kustomize_build(repository.root / "overlay")
    thing = of_kind(built, real.kind, real.name)
    assert container_requests(thing) == real.memory
    if real.replicas is not None:
        spec = of_kind(built, real.scaler)["spec"]
        assert spec.get("minReplicas", spec.get("minReplicaCount")) == real.replicas
    assert [each["metadata"] for each in built] == [each["metadata"] for each in plain]
    assert repository.propose(capsys, document(service(real.name)), plain) == 0
    assert "raised" not in repository.said


@pytest.mark.parametrize("name", ["names fit", "prefix and suffix", "namespace in the file", "StatefulSet"])
def test_the_floors_may_be_laid_above_the_overlay_too(repository, capsys, name):
    """kustomize matches what stands further below by its names before and after a prefix."""
    real = REAL[name]
    repository.write(real.base, real.overlay, components=False)
    assert repository.propose(capsys, document(service(real.name)), rendered(repository)) == 0
    above = repository.root / "above"
    above.mkdir()
    (above / "kustomization.yaml").write_text("resources: [../overlay]\ncomponents: [../overlay/floors]\n")
    assert container_requests(of_kind(kustomize_build(above), real.kind, real.name)) == real.memory


def test_a_base_rendered_before_its_prefix_serves_as_well(repository, capsys):
    real = REAL["prefix and suffix"]
    repository.write(real.base, real.overlay)
    assert repository.propose(capsys, document(service(real.name)), real.base) == 0, repository.told
    built = kustomize_build(repository.root / "overlay")
    assert container_requests(of_kind(built, "Deployment", "eu-checkout-v2")) == {"app": "300Mi"}


def test_one_base_in_two_namespaces_has_two_floors(repository, capsys):
    repository.write([workload(), hpa()], {"namespace": "shop-a"}, components=False)
    other = repository.root / "other"
    other.mkdir()
    (other / "kustomization.yaml").write_text("resources: [../base]\nnamespace: shop-b\n")
    above = repository.root / "above"
    above.mkdir()
    (above / "kustomization.yaml").write_text("resources: [../overlay, ../other]\n")
    both = kustomize_build(above)
    for space, memory in (("shop-a", 300), ("shop-b", 500)):
        assert (
            repository.propose(capsys, document(service("checkout", memory=memory), namespace=space), both)
            == 0
        )
    (above / "kustomization.yaml").write_text(
        "resources: [../overlay, ../other]\ncomponents: [../overlay/floors]\n"
    )
    built = kustomize_build(above)
    for space, memory in (("shop-a", "300Mi"), ("shop-b", "500Mi")):
        assert container_requests(of_kind(built, "Deployment", namespace=space)) == {"app": memory}


def test_one_tree_that_two_overlays_of_other_namespaces_list_is_refused(repository, capsys):
    repository.write([workload(), hpa()], {"namespace": "shop-a"})
    other = repository.root / "other"
    other.mkdir()
    (repository.root / "overlay" / "more").mkdir()
    (repository.root / "overlay" / "more" / "kustomization.yaml").write_text(
        "resources: [../../base]\nnamespace: shop-b\ncomponents: [../floors]\n"
    )
    assert repository.propose(capsys, document(service("checkout"), namespace="shop-a"), [workload()]) == 2
    assert "give each a tree of its own" in repository.told
    assert not repository.tree.exists()


def test_a_namespace_that_the_overlay_does_not_set_is_refused(repository, capsys):
    repository.write([workload(), hpa()], {"namespace": "shop-b"})
    assert repository.propose(capsys, document(service("checkout")), [workload(namespace="shop")]) == 2
    assert (
        "the recommendation is of namespace shop, and the tree is laid where namespace is shop-b"
        in repository.told
    )


def test_a_name_in_two_namespaces_is_told_and_chosen_with_an_option(repository, capsys):
    both = [workload(namespace=each) for each in ("shop-a", "shop-b")]
    assert repository.propose(capsys, document(service("checkout"), namespace=""), both) == 1
    assert "Deployment shop-a/checkout (" in repository.told
    assert "say which with --namespace" in repository.told
    assert (
        repository.propose(capsys, document(service("checkout"), namespace=""), both, "--namespace", "shop-b")
        == 0
    )
    assert "raised shop-b/checkout app: memory none → 300Mi" in repository.said


def test_a_deployment_and_a_stateful_set_of_one_name_are_told_unless_the_kind_is_said(repository, capsys):
    both = [workload(namespace="shop"), workload(kind="StatefulSet", namespace="shop")]
    assert repository.propose(capsys, document(service("checkout")), both) == 1
    assert "may all be it; say which with services" in repository.told
    assert repository.propose(capsys, document(service("checkout", kind="StatefulSet")), both) == 0
    assert "kind: StatefulSet" in repository.text("kustomization.yaml")


def test_a_service_that_is_not_rendered_is_left_out_and_the_others_build(repository, capsys):
    repository.write([workload(), hpa()])
    assert (
        repository.propose(capsys, document(service("checkout"), service("gone")), rendered(repository)) == 1
    )
    assert "left out shop/gone: no workload gone is rendered" in repository.told
    assert "raised shop/checkout app: memory none → 300Mi" in repository.said
    kustomize_build(repository.root / "overlay")


OLD_NOTE = "# Generated by predictive-scaling from its recommendation; a merge request only ever raises these values.\n"
OLD_HPA = (
    "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: {0}\n"
    "spec:\n  minReplicas: {1}\n"
)
OLD_MEMORY = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {0}\nspec:\n  template:\n    spec:\n      containers:\n"
    "        - name: {0}\n          resources:\n            requests:\n              memory: {1}\n"
)


def old_tree(repository, *names):
    """A tree as earlier versions made it: no targets, containers named like the service."""
    listed = "".join(f"  - path: {name}/{what}.yaml\n" for name in names for what in ("hpa", "memory"))
    head = f"{OLD_NOTE}apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n"
    repository.put("kustomization.yaml", head + listed)
    for name in names:
        repository.put(f"{name}/hpa.yaml", OLD_NOTE + OLD_HPA.format(name, 7))
        repository.put(f"{name}/memory.yaml", OLD_NOTE + OLD_MEMORY.format(name, "420Mi"))


@pytest.mark.parametrize("name", REAL)
def test_a_tree_of_an_earlier_version_is_mended_and_keeps_its_floors(repository, capsys, name):
    real = copy.deepcopy(REAL[name])
    repository.write(real.base, real.overlay)
    old_tree(repository, real.name, "gone")
    code = repository.propose(capsys, document(service(real.name)), rendered(repository))
    if (
        name == "a limit and no request"
    ):  # 420Mi stands below a limit of 512Mi, which is what is requested then
        assert code == 0
        real.memory = {"app": "512Mi"}
    elif name != "higher than the floor":
        real.memory = {
            main: "420Mi" if main == next(iter(real.memory)) else each for main, each in real.memory.items()
        }
    assert "took out gone/hpa.yaml" in repository.said
    built = kustomize_build(repository.root / "overlay")
    assert container_requests(of_kind(built, real.kind, real.name)) == real.memory
    if real.scaler == "HorizontalPodAutoscaler" and real.replicas is not None:
        assert of_kind(built, real.scaler)["spec"]["minReplicas"] == 7
    assert not [path for path in repository.files() if path.startswith("gone")]


@pytest.mark.parametrize("name", ["prefix and suffix", "HPA of another name"])
def test_a_tree_that_is_laid_elsewhere_later_gets_the_names_that_hold_there(repository, capsys, name):
    real = REAL[name]
    repository.write(real.base, real.overlay, components=False)
    plain, one = rendered(repository), document(service(real.name))
    apart = repository.root / "apart" / "within" / "floors"
    apart.mkdir(parents=True)
    repository.place = apart
    assert repository.propose(capsys, one, plain) == 0
    assert "no kustomization near lists it" in repository.told
    assert f"name: {real.name}" in repository.text("kustomization.yaml")
    target = repository.root / "overlay" / "floors"
    apart.rename(target)
    repository.place = target
    repository.write(real.base, real.overlay)
    assert repository.propose(capsys, one, plain) == 0
    assert "has a target now" in repository.said
    assert "no kustomization" not in repository.told
    built = kustomize_build(repository.root / "overlay")
    assert container_requests(of_kind(built, real.kind, real.name)) == real.memory
    assert of_kind(built, real.scaler)["spec"]["minReplicas"] == 3
    assert repository.propose(capsys, one, plain) == 0
    assert repository.said == "nothing to raise\n"


def test_a_tree_that_is_laid_further_up_later_is_for_its_own_namespace_alone(repository, capsys):
    repository.write([workload(), hpa()], {"namespace": "shop-a"})
    one = document(service("checkout"), namespace="shop-a")
    assert repository.propose(capsys, one, rendered(repository)) == 0
    assert "namespace" not in repository.text("kustomization.yaml")
    repository.write([workload(), hpa()], {"namespace": "shop-a"}, components=False)
    (repository.root / "other").mkdir()
    (repository.root / "other" / "kustomization.yaml").write_text("resources: [../base]\nnamespace: shop-b\n")
    above = {"resources": ["overlay", "other"], "components": ["overlay/floors"]}
    (repository.root / "kustomization.yaml").write_text(yaml.safe_dump(above))
    both = [*rendered(repository), *kustomize_build(repository.root / "other")]
    assert repository.propose(capsys, one, both) == 0
    built = kustomize_build(repository.root)
    assert container_requests(of_kind(built, "Deployment", namespace="shop-a")) == {"app": "300Mi"}
    assert container_requests(of_kind(built, "Deployment", namespace="shop-b")) == {"app": None}


def test_the_folder_of_consumers_is_not_taken_for_a_tree(tmp_path, capsys):
    folder = tmp_path / "consumers"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text(f"{MARK}\nkind: Component\n")
    manifest, recommendation = tmp_path / "rendered.yaml", tmp_path / "r.json"
    manifest.write_text(yaml.safe_dump(workload()))
    recommendation.write_bytes(pretty_bytes(document(service("checkout"))))
    words = [
        "propose",
        "--recommendation",
        str(recommendation),
        "--over",
        str(manifest),
        "--into",
        str(folder),
    ]
    assert main(words) == 2
    assert "a folder of `consumers`" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["kustomization.yaml"]


@pytest.mark.parametrize(("until", "told"), [("2020-01-01T00:00:00Z", True), ("2199-01-01T00:00:00Z", False)])
def test_a_recommendation_that_expired_is_told_and_laid_all_the_same(tmp_path, capsys, until, told):
    manifest, recommendation = tmp_path / "rendered.yaml", tmp_path / "r.json"
    manifest.write_text(yaml.safe_dump(workload(namespace="shop")))
    recommendation.write_bytes(pretty_bytes(document(service("checkout", None)) | {"valid_until": until}))
    words = ["--over", str(manifest), "--into", str(tmp_path / "floors")]
    assert main(["propose", "--recommendation", str(recommendation), *words]) == 0
    said = capsys.readouterr()
    assert ("the recommendation expired at 2020-01-01T00:00:00Z" in said.err) is told
    assert "memory none → 300Mi" in said.out
