"""What a fork sets stands in one file, and reaches everything that needs it by rendering."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import delivered
import pytest
import yaml
from project import PROJECT, Outcome
from tools import kustomize_build

Command = Callable[..., Outcome]
BASE = yaml.safe_load((PROJECT / "environments/base.yaml").read_text("utf-8"))


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    """The inputs and outputs of this repository."""
    for folder in ("environments", "templates", "components", "manifests", "argocd"):
        shutil.copytree(
            PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("src", "__pycache__")
        )
    shutil.copy(PROJECT / "kustomization.yaml", tmp_path)
    return tmp_path


def _set(path: Path, **changes: str) -> None:
    text = path.read_text("utf-8")
    for key, value in changes.items():
        text, count = re.subn(rf"^(  {key}: ).*$", rf"\g<1>{value}", text, count=1, flags=re.MULTILINE)
        assert count == 1
    path.write_text(text, "utf-8")


def _argocd(root: Path, kind: str) -> dict[str, Any]:
    (found,) = (item for item in kustomize_build(root) if item["kind"] == kind)
    return dict(found)


@pytest.mark.parametrize("value", [BASE["repository"]["url"], BASE["repository"]["id"]])
def test_the_repositorys_name_stands_in_one_input(value: str) -> None:
    tracked = subprocess.run(
        ["git", "grep", "-lF", value], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    inputs = [
        name
        for name in tracked.stdout.splitlines()
        if not name.startswith(("argocd/", "manifests/", "tests/", "docs/")) and not name.endswith(".md")
    ]
    assert inputs == ["environments/base.yaml"]


def test_url_branch_and_argocds_namespace_reach_what_is_applied(fork: Path, command: Command) -> None:
    url = "https://github.com/acme/pipelines.git"
    _set(fork / "environments/base.yaml", url=url, branch="trunk", namespace="gitops")
    assert command("render", "--root", fork, "--all").code == 0
    applications, project = _argocd(fork, "ApplicationSet"), _argocd(fork, "AppProject")["spec"]
    assert applications["metadata"]["namespace"] == "gitops"
    source = applications["spec"]["template"]["spec"]["source"]
    generator = applications["spec"]["generators"][0]["git"]
    assert project["sourceRepos"] == [source["repoURL"]] == [generator["repoURL"]] == [url]
    assert {source["targetRevision"], generator["revision"]} == {"trunk"}


def test_what_is_committed_in_argocd_is_what_it_renders_to(fork: Path, command: Command) -> None:
    project = fork / "argocd/project.yaml"
    project.write_text(
        project.read_text("utf-8").replace("kind: AppProject", "kind: AppProject  # edited"), "utf-8"
    )
    outcome = command("render", "--root", fork, "--all", "--check")
    assert outcome.code == 1
    assert "change argocd/project.yaml" in outcome.out.splitlines()


def _in_one_cluster(fork: Path) -> None:
    prod = fork / "environments/prod/values.yaml"
    prod.write_text(re.sub(r"^  cluster: .*\n", "", prod.read_text("utf-8"), flags=re.MULTILINE), "utf-8")


def test_an_environment_is_a_folder_and_its_namespace_becomes_a_destination(
    fork: Path, command: Command
) -> None:
    _in_one_cluster(fork)
    shutil.copytree(fork / "environments/dev", fork / "environments/staging")
    values = fork / "environments/staging/values.yaml"
    values.write_text(
        values.read_text("utf-8") + "\nkfp:\n  host: https://kfp.example.com\n  namespace: team-a\n"
        "delivery:\n  namespace: kfp-gitops\n  network: {kfp: {cidr: 203.0.113.7/32, port: 443}}\n",
        "utf-8",
    )
    assert command("render", "--root", fork, "--all", "--lock").code == 0
    destinations = _argocd(fork, "AppProject")["spec"]["destinations"]
    assert [entry["namespace"] for entry in destinations] == ["kfp-gitops", "kubeflow", "team-a"]
    spec = _argocd(fork, "ApplicationSet")["spec"]
    assert spec["generators"][0]["git"]["files"] == [{"path": "environments/*/release.yaml"}]
    assert spec["template"]["spec"]["destination"]["namespace"] == (
        '{{ get (dict "staging" "kfp-gitops") .path.basename | default "kubeflow" }}'
    )
    objects = kustomize_build(fork / "manifests/staging")
    found = {(item["kind"], item["metadata"]["name"]): item["metadata"]["namespace"] for item in objects}
    # KFP asks for its rights in the namespace of the user; the Lease is where the reconciler runs.
    assert found["Role", "kfp-gitops-staging"] == "team-a"
    assert found["Role", "kfp-gitops-staging-lease"] == "kfp-gitops"
    assert {found[key] for key in found if key[0] != "Role" and key[0] != "RoleBinding"} == {"kfp-gitops"}


def _from_nowhere(fork: Path) -> None:
    """prod without the environment that it is promoted from."""
    values = fork / "environments/prod/values.yaml"
    values.write_text(re.sub(r"(?m)^promotesFrom: .*\n", "", values.read_text("utf-8")), "utf-8")


def test_what_nothing_applies_by_itself_is_told_when_it_is_rendered(fork: Path, command: Command) -> None:
    """A namespace of its own is in the AppProject, which Argo CD does not sync."""
    _in_one_cluster(fork)
    command("render", "--root", fork, "--all")
    assert "kubectl" not in command("render", "--root", fork, "--all").err
    values = fork / "environments/dev/values.yaml"
    values.write_text(values.read_text("utf-8") + "\ndelivery:\n  namespace: team-b\n", "utf-8")
    told = command("render", "--root", fork, "--all").err
    assert "kubectl --context … create namespace team-b" in told
    assert "kubectl apply -k .   # where Argo CD runs, before this is merged: until then" in told
    assert "patch configmap" not in told
    assert "kubectl" not in command("render", "--root", fork, "--all").err, "once"
    patch = fork / "templates/argocd/notifications.yaml.j2"
    patch.write_text(patch.read_text("utf-8").replace("is degraded", "is in a bad way"), "utf-8")
    told = command("render", "--root", fork, "--all").err
    assert (
        "kubectl -n argocd patch configmap argocd-notifications-cm --type merge --patch-file argocd/" in told
    )
    assert "kubectl apply -k ." not in told
    values.write_text(values.read_text("utf-8").replace("team-b", "team-c"), "utf-8")
    assert "before this is merged: see «Moving one»" in command("render", "--root", fork, "--all").err
    shutil.rmtree(values.parent)
    shutil.rmtree(fork / "manifests/dev")
    _from_nowhere(fork)
    told = command("render", "--root", fork, "--all").err
    assert "kubectl apply -k .   # where Argo CD runs, when Argo CD has deleted what is in team-c" in told


def test_what_is_optional_is_delivered_where_it_is_set(repository: Path, command: Command) -> None:
    base = repository / "environments/base.yaml"
    more = "  kfpUi: https://kfp.example.com\n  imagePullSecrets: [pull]\n  driftSchedule: '5 6 * * 1-5'\n"
    base.write_text(base.read_text("utf-8").replace("pipelines:\n", f"{more}pipelines:\n", 1), "utf-8")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    objects = tuple(kustomize_build(repository / "manifests/dev"))
    job = delivered.one(objects, "Job", "kfp-gitops-dev")["metadata"]["annotations"]
    assert job["link.argocd.argoproj.io/kfp"] == "https://kfp.example.com"
    assert delivered.one(objects, "CronJob", "kfp-gitops-dev-drift")["spec"]["schedule"] == "5 6 * * 1-5"
    assert all(pod["spec"]["imagePullSecrets"] == [{"name": "pull"}] for _, pod in delivered.pods(objects))
    base.write_text(base.read_text("utf-8").replace("5 6 * * 1-5", "0 5 6 * * 1-5"), "utf-8")
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert "delivery.driftSchedule" in outcome.err


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("61 * * * *", "no cron: End of range (61) above maximum (59): 61"),
        ("* * * 14 *", "no cron: End of range (14) above maximum (12): 14"),
        ("0 0 30 2 *", "'0 0 30 2 *' never comes; name a day that exists"),
    ],
)
@pytest.mark.parametrize("key", ["driftSchedule", "statusSchedule"])
def test_a_schedule_that_kubernetes_would_refuse_is_told_at_its_line(
    repository: Path, command: Command, key: str, schedule: str, says: str
) -> None:
    base = repository / "environments/base.yaml"
    base.write_text(
        base.read_text("utf-8").replace("pipelines:\n", f"  {key}: '{schedule}'\npipelines:\n", 1), "utf-8"
    )
    line = base.read_text("utf-8").split(f"  {key}:")[0].count("\n") + 1
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert f"environments/base.yaml:{line}:" in outcome.err
    assert says in outcome.err


def test_a_template_that_a_wrong_condition_empties_is_told(repository: Path, command: Command) -> None:
    network = repository / "templates/delivery/network.yaml.j2"
    network.write_text(
        f"{{% if delivery.pushGatway is defined %}}\n{network.read_text('utf-8')}{{% endif %}}\n", "utf-8"
    )
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert "templates/delivery/network.yaml.j2:1:1: renders to no document" in outcome.err


def test_argocd_is_the_same_for_all_environments(fork: Path, command: Command) -> None:
    values = fork / "environments/dev/values.yaml"
    values.write_text(values.read_text("utf-8") + "\nargocd:\n  namespace: elsewhere\n", "utf-8")
    outcome = command("render", "--root", fork, "--env", "dev")
    assert outcome.code == 2
    assert "what is said of Argo CD cannot differ between environments" in outcome.err


def test_applications_sync_by_themselves_and_nothing_that_runs_is_deleted_with_them() -> None:
    spec = _argocd(PROJECT, "ApplicationSet")["spec"]
    assert (spec["goTemplate"], spec["goTemplateOptions"]) == (True, ["missingkey=error"])
    assert spec["syncPolicy"] == {"applicationsSync": "create-update", "preserveResourcesOnDeletion": True}
    policy = spec["template"]["spec"]["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True}
    assert policy["retry"]["refresh"] is True
    assert policy["retry"]["limit"] == 2, "Kubernetes tries again, too"
    # Large ConfigMaps (argo-cd#820), a degraded CronJob, two owners. Not PruneLast: test_every_merge_is_delivered.py.
    options = {"ServerSideApply=true", "ApplyOutOfSyncOnly=true", "FailOnSharedResource=true"}
    assert set(policy["syncOptions"]) == options
    # With it, a commit that was compared before it could be synced counts as attempted.
    annotations = spec["template"]["metadata"]["annotations"]
    assert not [key for key in annotations if key.startswith("argocd.argoproj.io/")]


def test_an_application_that_somebody_holds_back_stays_so() -> None:
    spec = _argocd(PROJECT, "ApplicationSet")["spec"]
    assert spec["ignoreApplicationDifferences"] == [{"jsonPointers": ["/spec/syncPolicy/automated"]}]


def test_two_repositories_on_one_argo_cd_have_names_of_their_own(fork: Path, command: Command) -> None:
    first = {(item["kind"], item["metadata"]["name"]) for item in kustomize_build(fork)}
    applications = _argocd(fork, "ApplicationSet")["spec"]["template"]
    assert applications["metadata"]["name"] == f"{BASE['repository']['id']}-{{{{ .path.basename }}}}"
    _set(fork / "environments/base.yaml", id="another-team-7")
    assert command("render", "--root", fork, "--all").code == 0
    second = {(item["kind"], item["metadata"]["name"]) for item in kustomize_build(fork)}
    assert not first & second
    (window,) = _argocd(fork, "AppProject")["spec"]["syncWindows"]
    assert window["applications"] == ["another-team-7-prod"]
    assert _argocd(fork, "ApplicationSet")["spec"]["template"]["spec"]["project"] == "another-team-7"


def test_a_name_of_an_application_that_is_too_long_is_told(fork: Path, command: Command) -> None:
    (fork / "environments/dev").rename(fork / "environments" / ("e" * 32))
    _from_nowhere(fork)
    _set(fork / "environments/base.yaml", id="r" * 40)
    outcome = command("render", "--root", fork, "--all")
    assert outcome.code == 2
    assert re.search(
        r"environments/base.yaml:\d+:\d+: the Application .* of 73 characters, and 63", outcome.err
    )


def test_failed_syncs_and_degraded_health_are_told_and_prod_has_windows() -> None:
    annotations = _argocd(PROJECT, "ApplicationSet")["spec"]["template"]["metadata"]["annotations"]
    prefix = "notifications.argoproj.io/subscribe."
    triggers = {key.removeprefix(prefix).split(".")[0] for key in annotations if key.startswith(prefix)}
    data = yaml.safe_load((PROJECT / "argocd/notifications.yaml").read_text("utf-8"))["data"]
    assert triggers == {"kfp-gitops-on-sync-failed", "kfp-gitops-on-health-degraded"}
    for trigger in triggers:
        (entry,) = yaml.safe_load(data[f"trigger.{trigger}"])
        assert all(f"template.{name}" in data for name in entry["send"])
    (window,) = _argocd(PROJECT, "AppProject")["spec"]["syncWindows"]
    assert window["applications"] == [f"{BASE['repository']['id']}-prod"]
    assert (window["manualSync"], window["syncOverrun"]) == (True, True)


def test_the_notifications_are_a_patch_of_keys_that_are_ours() -> None:
    """It has no name and no kind: `kubectl apply` refuses it, and nobody owns the shared object by it."""
    patch = yaml.safe_load((PROJECT / "argocd/notifications.yaml").read_text("utf-8"))
    assert set(patch) == {"data"}
    assert all(key.split(".")[1].startswith("kfp-gitops-") for key in patch["data"]), "others' keys stay"


def test_a_second_failure_of_a_commit_is_told_and_each_message_says_what_and_where() -> None:
    data = yaml.safe_load((PROJECT / "argocd/notifications.yaml").read_text("utf-8"))["data"]
    (failed,) = yaml.safe_load(data["trigger.kfp-gitops-on-sync-failed"])
    assert failed["oncePer"] == "app.status.operationState?.startedAt"
    messages = [yaml.safe_load(data[key])["message"] for key in data if key.startswith("template.")]
    assert len(messages) == 2
    for message in messages:
        # Where nobody set a URL of Argo CD, `{{ .context.argocdUrl }}` is `<no value>`.
        assert re.search(r"{{ with \.context\.argocdUrl }}.*{{ else }}argocd app get", message)
        assert ".context.argocdUrl }}/" not in message
        assert re.search(r"{{ \.kind }}|logs job/{{ \.name }}", message), "which object failed"


def test_the_longest_names_stay_within_kubernetes_limits(repository: Path, command: Command) -> None:
    """A CronJob's name has 52 characters at most (its Jobs add 11), a label's value 63, a Job's name 63."""
    env, pipeline = "e" * 32, "p" * 63
    (repository / "environments/dev").rename(repository / "environments" / env)
    values = repository / f"environments/{env}/values.yaml"
    values.write_text(
        values.read_text("utf-8").replace("hello:", f"{pipeline}: {{values: {{name: x}}}}\n  hello:")
    )
    shutil.copytree(repository / "templates/pipelines/hello", repository / "templates/pipelines" / pipeline)
    base = repository / "environments/base.yaml"
    hello = base.read_text("utf-8").split("pipelines:\n")[1]
    base.write_text(base.read_text("utf-8") + hello.replace("  hello:", f"  {pipeline}:", 1), "utf-8")
    outcome = command("render", "--root", repository, "--env", env, "--lock")
    assert outcome.code == 0, outcome.err
    for item in kustomize_build(repository / "manifests" / env):
        name = item["metadata"]["name"]
        assert len(name) <= {"CronJob": 52, "Job": 63, "ConfigMap": 253}.get(item["kind"], 63), name
        labels = [
            item["metadata"]["labels"],
            *(pod["metadata"]["labels"] for _, pod in delivered.pods((item,))),
        ]
        assert all(len(value) <= 63 for found in labels for value in found.values())
