"""What people wrote in a tree stays: higher values, remarks, order, quotes, line ends, more lines and files."""

import pytest
from predictive_scaling.proposals.editing import UnwritableError, with_value
from proposal_kit import RUN, Repository, document, hpa, scaled_object, service, workload

BASE = [workload(namespace="shop"), hpa(namespace="shop")]


@pytest.fixture
def repository(tmp_path, capsys):
    made = Repository(tmp_path)
    assert made.propose(capsys, document(service("checkout")), BASE) == 0
    return made


INLINE = (
    "  - patch: |-\n      - op: add\n        path: /spec/minReplicas\n        value: {}\n"
    "    target: {{kind: HorizontalPodAutoscaler}}\n"
)
HPA, MEMORY = "shop/checkout/hpa.yaml", "shop/checkout/memory.yaml"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (HPA, "minReplicas: 3", "minReplicas: 12  # Christmas"),
        (HPA, "spec:\n", "spec:\n  maxReplicas: 40\n"),
        (HPA, "spec:\n  minReplicas: 3", "spec: {minReplicas: '7'}"),
        (MEMORY, "memory: 300Mi", "memory: 1Gi"),
        (MEMORY, "memory: 300Mi", 'memory: "1G" # a sale'),
        (MEMORY, "memory: 300Mi", "memory: 1e9"),
        (
            MEMORY,
            "          resources:",
            "          # more of it\n          env: [{name: A, value: b}]\n          resources:",
        ),
        ("kustomization.yaml", "patches:", "# ours, too\nlabels:\n  - pairs: {team: shop}\npatches:"),
    ],
)
def test_a_higher_value_and_whatever_else_people_wrote_is_not_touched(repository, capsys, path, old, new):
    text = repository.text(path)
    assert old in text
    repository.put(path, text.replace(old, new))
    before = repository.files()
    assert repository.propose(capsys, document(service("checkout")), BASE) == 0
    assert repository.files() == before
    assert repository.said == "nothing to raise\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_value_is_raised_in_its_place_and_the_rest_stays_byte_for_byte(repository, capsys, end):
    text = (
        repository.text(MEMORY)
        .replace("memory: 300Mi", 'memory: "310Mi"   # since the sale')
        .replace("\n", end)
    )
    repository.put(MEMORY, text)
    assert repository.propose(capsys, document(service("checkout", memory=900)), BASE) == 0
    assert f"raised shop/checkout app: memory 310Mi → 900Mi (run {RUN})" in repository.said
    lines = text.replace('"310Mi"', "900Mi").split(end)
    lines[1] = f"# app: memory 310Mi → 900Mi, run {RUN}"
    assert repository.text(MEMORY).split(end) == lines


def test_a_base_that_became_higher_than_the_tree_is_not_lowered_by_it(repository, capsys):
    higher = [
        workload(namespace="shop", containers={"app": {"requests": {"memory": "1Gi"}}}),
        hpa(namespace="shop", least=8),
    ]
    higher[0]["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"memory": "1Gi"}}
    assert repository.propose(capsys, document(service("checkout")), higher) == 0
    assert "raised shop/checkout app: memory 300Mi → 1Gi (as in the base)" in repository.said
    assert "minReplicas: 8\n" in repository.text(HPA)
    assert "memory: 1Gi\n" in repository.text(MEMORY)


def test_every_patch_of_the_tree_is_raised_whichever_is_laid_last(repository, capsys):
    listed = repository.text("kustomization.yaml")
    repository.put(
        "kustomization.yaml", listed + "  - path: hand.yaml\n    target: {kind: Deployment, name: check.*}\n"
    )
    repository.put("hand.yaml", repository.text(MEMORY).replace("300Mi", "350Mi # by hand"))
    assert repository.propose(capsys, document(service("checkout", memory=400)), BASE) == 0
    assert "memory: 400Mi # by hand" in repository.text("hand.yaml")
    assert "memory: 400Mi\n" in repository.text(MEMORY)


def test_a_json_patch_of_people_counts(repository, capsys):
    listed = repository.text("kustomization.yaml")
    repository.put(
        "kustomization.yaml", listed + "  - path: hand.yaml\n    target: {kind: Deployment, name: checkout}\n"
    )
    operation = (
        "- op: add\n  path: /spec/template/spec/containers/0/resources\n  value: {requests: {memory: 2Gi}}\n"
    )
    repository.put("hand.yaml", operation)
    assert repository.propose(capsys, document(service("checkout", memory=400)), BASE) == 0
    assert "memory: 2Gi" in repository.text(MEMORY)
    assert repository.text("hand.yaml") == operation


def test_a_lower_text_within_the_kustomization_is_told(repository, capsys):
    listed = repository.text("kustomization.yaml")
    inline = INLINE.format(2)
    repository.put("kustomization.yaml", listed + inline)
    assert repository.propose(capsys, document(service("checkout")), BASE) == 1
    assert "kustomization.yaml:15: sets 2 in a text of its own; set 3 there" in repository.told


def test_a_value_within_the_kustomization_that_is_higher_counts(repository, capsys):
    listed = repository.text("kustomization.yaml")
    inline = INLINE.format(6)
    repository.put("kustomization.yaml", listed + inline)
    assert repository.propose(capsys, document(service("checkout")), BASE) == 0
    assert "minReplicas: 6\n" in repository.text(HPA)


def test_files_that_were_emptied_deleted_or_are_not_listed_are_made_anew(repository, capsys):
    wanted = repository.files()
    repository.put(HPA, "# nothing left\n")
    (repository.tree / MEMORY).unlink()
    assert repository.propose(capsys, document(service("checkout")), BASE) == 0
    assert "# nothing left\n" in repository.text(HPA)
    assert "minReplicas: 3" in repository.text(HPA)
    assert repository.text(MEMORY) == wanted[MEMORY]
    (repository.tree / "kustomization.yaml").unlink()
    repository.put(MEMORY, wanted[MEMORY].replace("300Mi", "1Gi"))
    assert repository.propose(capsys, document(service("checkout")), BASE) == 0
    assert "memory: 1Gi" in repository.text(MEMORY)
    assert repository.text("kustomization.yaml").count("- path:") == 2


def test_an_autoscaler_that_changed_its_kind_keeps_the_patch_and_has_one_more(repository, capsys):
    assert (
        repository.propose(capsys, document(service("checkout")), [BASE[0], scaled_object(namespace="shop")])
        == 0
    )
    assert "minReplicaCount: 3" in repository.text("shop/checkout/scaledobject.yaml")


def test_a_tree_that_is_no_yaml_is_told_at_once_and_nothing_is_written(repository, capsys):
    repository.put(HPA, "spec:\n  minReplicas: [1\n")
    repository.put(MEMORY, "spec: \0")
    before = repository.files()
    assert repository.propose(capsys, document(service("checkout", memory=900)), BASE) == 2
    assert "hpa.yaml:3:1: this is no YAML" in repository.told
    assert "memory.yaml: this is no YAML" in repository.told
    assert repository.files() == before


def test_a_tree_that_is_no_text_is_told(repository, capsys):
    (repository.tree / "x.yaml").write_bytes(b"\xff")
    assert repository.propose(capsys, document(service("checkout")), BASE) == 2
    assert "not UTF-8" in repository.told


def test_a_service_that_left_is_taken_out_and_one_without_a_recommendation_is_not(repository, capsys):
    both = [*BASE, workload("other", namespace="shop")]
    assert repository.propose(capsys, document(service("checkout"), service("other")), both) == 0
    assert repository.propose(capsys, document(service("checkout")), both) == 0
    assert "shop/other/memory.yaml" in repository.files()
    assert repository.propose(capsys, document(service("checkout")), BASE) == 0
    assert "took out shop/other/memory.yaml: other is neither rendered nor recommended for" in repository.said
    assert "other" not in repository.text("kustomization.yaml")
    assert not (repository.tree / "shop" / "other").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("memory: 300Mi", "memory: 310Mi"),
        ("memory: 300Mi", "memory: 300Mi # mine"),
        ("spec:\n  t", "spec:\n  replicas: 3\n  t"),
    ],
)
def test_a_service_that_left_stays_where_people_changed_it_and_is_told(repository, capsys, old, new):
    other = [workload("other", namespace="shop")]
    repository.put(MEMORY, repository.text(MEMORY).replace(old, new))
    assert repository.propose(capsys, document(service("other")), other) == 1
    assert "left in shop/checkout/memory.yaml: its service left, but people changed it" in repository.told
    assert "shop/checkout/memory.yaml" in repository.text("kustomization.yaml")
    assert HPA not in repository.files()


def test_another_namespace_of_the_same_tree_is_left_alone(repository, capsys):
    assert (
        repository.propose(capsys, document(service("a"), namespace="pay"), [workload("a", namespace="pay")])
        == 0
    )
    assert {"pay/a/memory.yaml", HPA, MEMORY} < set(repository.files())


@pytest.mark.parametrize(
    ("text", "steps", "expected"),
    [
        ("a: {b: 1}  # x\n", ("a", "b"), "a: {b: 5}  # x\n"),
        ("a:\n  c: 2 # y\n", ("a", "b"), "a:\n  c: 2 # y\n  b: 5\n"),
        ("a:\n", ("a", "b"), "a: {b: 5}\n"),
        ("a: {} # z\n", ("a", "b", "c"), "a: {b: {c: 5}} # z\n"),
        ("a: null\n", ("a", "b"), "a: {b: 5}\n"),
        ("a:\n- name: x\n", ("a", ("name", "w"), "b"), "a:\n- name: w\n  b: 5\n- name: x\n"),
        ("a: [{name: x}]\n", ("a", ("name", "w"), "b"), "a: [{name: w, b: 5}, {name: x}]\n"),
        ("a:\n  b:\n    c: 1\n", ("a", "d"), "a:\n  d: 5\n  b:\n    c: 1\n"),
        ("a: 1", ("b",), "a: 1\nb: 5"),
        ("a: |\n  text\n", ("b",), "b: 5\na: |\n  text\n"),
        ("\ufeffa: 1\n", ("a",), "\ufeffa: 5\n"),
    ],
)
def test_one_value_is_set_and_nothing_else_changes(text, steps, expected):
    assert with_value("x.yaml", text, steps, "5") == expected


@pytest.mark.parametrize(
    "text", ["b: &x 1\na: *x\n", "m: &m {a: 1}\n<<: *m\n", "a: |\n  1\n", "a: [1]\n", "- 1\n"]
)
def test_a_value_that_cannot_be_set_alone_is_told_with_its_place(text):
    with pytest.raises(UnwritableError, match=r"x\.yaml"):
        with_value("x.yaml", text, ("a",), "5")
