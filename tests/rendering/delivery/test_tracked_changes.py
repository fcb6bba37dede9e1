"""What Argo CD would see as changed: it starts a sync only when an object that it tracks differs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import delivered
import pytest
from project import Outcome
from tools import kustomize_build

Command = Callable[..., Outcome]


def _replace(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def _value(root: Path) -> None:
    _replace(root, "environments/dev/values.yaml", "name: dev", "name: other")


def _template(root: Path) -> None:
    _replace(root, "templates/pipelines/hello/pipeline.yaml.j2", "description: ", "description: Now ")


def _image(root: Path) -> None:
    path = root / "environments/dev/release.yaml"
    changed = re.sub(r"(reconciler: \S+@sha256:)[0-9a-f]{64}", rf"\g<1>{'5' * 64}", path.read_text("utf-8"))
    path.write_text(changed, "utf-8")


def _arguments(root: Path) -> None:
    _replace(root, "templates/delivery/apply-job.yaml.j2", "'apply', ", "'apply', '--max-delete=3', ")


def _deadline(root: Path) -> None:
    _replace(
        root,
        "templates/delivery/apply-job.yaml.j2",
        "activeDeadlineSeconds: 1800",
        "activeDeadlineSeconds: 60",
    )


def _right(root: Path) -> None:
    """Who mends what made a delivery fail wants it again."""
    _replace(root, "templates/delivery/access.yaml.j2", "'enable', ", "'enable', 'get', ")


def _comment(root: Path) -> None:
    _replace(root, "environments/dev/values.yaml", "follows:", "# a remark\nfollows:")


def _changed(repository: Path, command: Command, change: Callable[[Path], None]) -> list[str]:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    before = delivered.tracked(kustomize_build(repository / "manifests/dev"))
    change(repository)
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    after = delivered.tracked(kustomize_build(repository / "manifests/dev"))
    names = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return sorted({f"{kind} {re.sub(r'-[a-z0-9]{10}$', '', name)}" for kind, _, name in names})


# The checks mount what the Job has its name from, so each change leads them to what was applied.
CRONJOB, JOB = "CronJob kfp-gitops-dev-drift", "Job kfp-gitops-dev-apply"
CONTENT, ROLE = "ConfigMap kfp-gitops-dev-apply", "Role kfp-gitops-dev"
PIPELINE = "ConfigMap kfp-gitops-dev-pipeline-hello"


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (_value, [CONTENT, PIPELINE, CRONJOB, JOB]),
        (_template, [CONTENT, PIPELINE, CRONJOB, JOB]),
        (_image, [CONTENT, CRONJOB, JOB]),
        (_arguments, [CONTENT, CRONJOB, JOB]),
        (_deadline, [CONTENT, CRONJOB, JOB]),
        (_right, [CONTENT, CRONJOB, JOB, ROLE]),
        (_comment, []),
    ],
)
def test_a_change_is_seen_where_it_starts_a_sync_and_nothing_else_is(
    repository: Path, command: Command, change: Callable[[Path], None], seen: list[str]
) -> None:
    assert _changed(repository, command, change) == seen


def test_every_configmap_is_immutable_and_named_by_its_content() -> None:
    for env in delivered.ENVIRONMENTS:
        for item in delivered.of(env):
            if item["kind"] == "ConfigMap":
                assert item["immutable"] is True
                assert re.search(r"-[a-z0-9]{10}$", item["metadata"]["name"])
