"""No merge stays undelivered: the objects, as kustomize builds them, under Argo CD's rules (argocd_sync.py)."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import delivered
import pytest
import yaml
from argocd_sync import Argo, Cluster
from delivered import Object
from project import PROJECT, Outcome
from tools import kustomize_build

Command = Callable[..., Outcome]
Objects = tuple[Object, ...]


def _replace(root: Path, name: str, pattern: str, new: str) -> None:
    path = root / name
    text, count = re.subn(pattern, new, path.read_text("utf-8"), count=1)
    assert count == 1, (name, pattern)
    path.write_text(text, "utf-8")


BASE, DELIVERY = "environments/base.yaml", "templates/delivery"
GATEWAY = "  pushGateway: {url: 'http://push.m.svc:9091', namespace: m, podLabels: {a: b}, port: 9091}\n"
EDITS: dict[str, tuple[str, str, str]] = {
    "a value": ("environments/dev/values.yaml", "name: dev", "name: other"),
    "a template": ("templates/pipelines/hello/pipeline.yaml.j2", "description: ", "description: Now "),
    "a component": ("components/greet/component.yaml", "description: ", "description: Now "),
    "the image": ("environments/dev/release.yaml", r"(reconciler: \S+@sha256:)[0-9a-f]{64}", rf"\g<1>{'5' * 64}"),
    "the arguments": (f"{DELIVERY}/apply-job.yaml.j2", "'apply', ", "'apply', '--max-delete=3', "),
    "a label of the pods": (f"{DELIVERY}/_pod.j2", "app.kubernetes.io/component: ", "more: yes-it-is\n"
                            "app.kubernetes.io/component: "),
    "a right": (f"{DELIVERY}/access.yaml.j2", "'enable', ", "'enable', 'get', "),
    "the network": (BASE, "pipelines:\n", "  network: {kubernetesApi: {cidr: 10.0.0.1/32}}\npipelines:\n"),
    "the drift check": (f"{DELIVERY}/drift-cronjob.yaml.j2", "'plan', ", "'plan', '--refresh-stale', "),
    "labels of all": (f"{DELIVERY}/kustomization.yaml.j2", "managed-by: kfp-gitops", "managed-by: us"),
    "a comment": ("environments/dev/values.yaml", "follows:", "# a remark\nfollows:"),
    "the state": ("environments/dev/values.yaml", "follows:", "state: disabled\nfollows:"),
    "a pushgateway": (BASE, "pipelines:\n", f"{GATEWAY}pipelines:\n"),
}  # fmt: skip


@pytest.fixture
def state(repository: Path, command: Command) -> Callable[..., Objects]:
    """`state(edit, …)`: what is built of the small repository with some edits, each made anew."""
    kept = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}

    def build(*edits: str) -> Objects:
        for path, content in kept.items():
            path.write_bytes(content)
        for edit in edits:
            _replace(repository, *EDITS[edit])
        outcome = command("render", "--root", repository, "--env", "dev", "--lock")
        assert outcome.code == 0, outcome.err
        return tuple(kustomize_build(repository / "manifests/dev"))

    return build


def _job(objects: Objects) -> str:
    return str(delivered.one(objects, "Job", "kfp-gitops-dev")["metadata"]["name"])


def _content(objects: Objects) -> str:
    """All that is delivered, without the name that is in question."""
    return json.dumps(objects, sort_keys=True).replace(_job(objects), "JOB")


def test_the_jobs_name_changes_if_and_only_if_what_is_delivered_changes(
    state: Callable[..., Objects],
) -> None:
    draw = random.Random(20_26)
    sets = [(), *((edit,) for edit in EDITS), *(draw.sample(sorted(EDITS), 3) for _ in range(8))]
    seen: dict[str, str] = {}
    for edits in sets:
        objects = state(*edits)
        # The digest of what each file is covers a little more than the objects: order in a file, say.
        content = _content(tuple(item for item in objects if _job(objects) != item["metadata"]["name"]
                                 or item["kind"] == "Job"))  # fmt: skip
        assert seen.setdefault(content, _job(objects)) == _job(objects), f"{edits}: a new name for the same"
    assert len(set(seen.values())) == len(seen), "one name for two contents: a Job's template cannot change"
    assert len(seen) > len(EDITS)


@pytest.fixture
def argo() -> Argo:
    spec = yaml.safe_load((PROJECT / "argocd/applicationset.yaml").read_text("utf-8"))["spec"]["template"][
        "spec"
    ]
    policy = spec["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True}
    options = policy["syncOptions"]
    return Argo(
        Cluster(), "ApplyOutOfSyncOnly=true" in options, "PruneLast=true" in options, policy["retry"]["limit"]
    )


def _delivered(argo: Argo, objects: Objects) -> bool:
    """The last Job that ran is that of these objects, and nothing else is left."""
    return argo.cluster.started[-1] == _job(objects) and not argo.out_of_sync


@pytest.fixture
def first(argo: Argo, state: Callable[..., Objects]) -> Objects:
    """The first delivery."""
    objects = state()
    argo.merge("A", objects)
    argo.refresh()
    assert argo.phase == "Succeeded"
    assert _delivered(argo, objects)
    return objects


def _outside_of_the_window(argo: Argo) -> None:
    argo.refresh(window=False)
    argo.refresh(latest=False)


def _while_a_sync_ran(argo: Argo) -> None:
    phase, argo.phase = argo.phase, "Running"
    argo.refresh()
    argo.phase = phase
    argo.refresh(latest=False)


@pytest.mark.parametrize("when", [Argo.refresh, _outside_of_the_window, _while_a_sync_ran])
def test_a_merge_is_delivered_whenever_it_comes(
    argo: Argo, first: Objects, state: Callable[..., Objects], when: Callable[[Argo], None]
) -> None:
    second = state("a value")
    argo.merge("B", second)
    when(argo)
    assert _delivered(argo, second)


def _as_a_hook(objects: Objects) -> Objects:
    """The form of earlier versions: a hook of a fixed name."""
    changed = copy.deepcopy(objects)
    job = next(item for item in changed if item["kind"] == "Job")
    job["metadata"]["name"] = "kfp-gitops-dev"
    job["metadata"]["annotations"][delivered.HOOK] = "Sync"
    return changed


@pytest.mark.parametrize("when", [_outside_of_the_window, _while_a_sync_ran])
def test_the_model_leaves_a_hook_out_as_the_live_one_did(
    argo: Argo, first: Objects, state: Callable[..., Objects], when: Callable[[Argo], None]
) -> None:
    argo = Argo(Cluster())
    argo.merge("A", _as_a_hook(first))
    argo.refresh()
    assert argo.cluster.started == ["kfp-gitops-dev"]
    argo.merge("B", _as_a_hook(state("a value")))
    when(argo)
    assert argo.cluster.started == ["kfp-gitops-dev"], "Synced, Healthy, and never applied"
    assert not argo.out_of_sync


@pytest.mark.parametrize("tries", [0, 1, 2])
def test_a_mending_commit_is_delivered_while_a_failed_one_is_tried_again_and_after_it(
    argo: Argo, first: Objects, state: Callable[..., Objects], tries: int
) -> None:
    broken, mended = state("a value"), state("a template")
    argo.cluster.fails = lambda name: name == _job(broken)
    argo.merge("B", broken)
    argo.refresh()
    for _ in range(tries):
        argo.retry() if argo.phase == "Running" else argo.refresh()
    assert argo.health == "Degraded"
    argo.merge("C", mended)
    argo.refresh()
    if argo.phase == "Running":
        argo.retry()
    argo.refresh(latest=False)
    assert _delivered(argo, mended)
    assert argo.health == "Healthy"


@pytest.mark.parametrize("tries", [0, 1])
@pytest.mark.parametrize(
    ("before", "edits"), [((), ("a value",)), ((), ("the arguments",)), (("a pushgateway",), ())]
)
def test_what_takes_back_a_commit_that_failed_runs_again(
    argo: Argo, state: Callable[..., Objects], before: tuple[str, ...], edits: tuple[str, ...], tries: int
) -> None:
    """KFP has half of the failed one: the old name's Job, finished long ago, must not count."""
    good, broken = state(*before), state(*edits)
    argo.merge("A", good)
    argo.refresh()
    argo.cluster.fails = lambda name: name == _job(broken)
    argo.merge("B", broken)
    argo.refresh()
    assert argo.cluster.started == [_job(good), _job(broken)]
    if tries:
        argo.retry()
    argo.merge("A again", good)
    argo.refresh()
    if argo.phase == "Running":
        argo.retry()
    argo.refresh(latest=False)
    assert argo.cluster.started == [_job(good), _job(broken), _job(good)]
    assert argo.health == "Healthy"


def test_a_failed_delivery_is_seen_at_once_and_stays_seen(
    argo: Argo, first: Objects, state: Callable[..., Objects]
) -> None:
    """Also the very first one: a CronJob that never succeeded makes nothing Degraded."""
    argo = Argo(Cluster(fails=lambda name: True))
    argo.merge("A", first)
    argo.refresh()
    assert argo.health == "Degraded"
    while argo.phase == "Running":
        argo.retry()
    argo.refresh()
    assert argo.health == "Degraded"
    assert argo.cluster.started == [_job(first)], "Kubernetes tried again, Argo CD adds nothing to that"


def test_a_job_that_somebody_deletes_runs_again(argo: Argo, first: Objects) -> None:
    (key,) = (key for key in argo.cluster.live if key[0] == "Job")
    argo.cluster.delete(key)
    argo.refresh(latest=False)
    assert argo.cluster.started == [_job(first)] * 2


def test_a_degraded_check_fails_no_delivery_for_good(
    argo: Argo, first: Objects, state: Callable[..., Objects]
) -> None:
    (check,) = (key for key in argo.cluster.live if key[0] == "CronJob")
    argo.cluster.health[check] = "Degraded"
    second = state("a value")
    argo.merge("B", second)
    argo.refresh()
    assert argo.phase == "Running", "seen so: it fails once, after the Job has run"
    argo.retry()
    assert argo.phase == "Succeeded"
    assert argo.cluster.started == [_job(first), _job(second)]
    assert not argo.out_of_sync


def test_a_commit_that_changes_nothing_here_runs_nothing(argo: Argo, first: Objects) -> None:
    argo.merge("docs", first)
    argo.refresh()
    assert argo.cluster.started == [_job(first)]
