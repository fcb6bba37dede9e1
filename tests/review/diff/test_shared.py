"""What no environment owns: told once a diff, whichever environment is asked for, in every format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
from diff_kit import NOW, Command
from gitrepo import commit
from kfp_gitops.review.diff import shared
from kfp_gitops.review.diff.model import Change
from kfp_gitops.review.diff.shared import Shared
from project import PROJECT

PROJECT_YAML = """kind: AppProject
spec:
  destinations:
  - {server: 'https://kubernetes.default.svc', namespace: kubeflow}
  syncWindows:
  - {kind: deny, schedule: '0 22 * * *', duration: 8h}
"""
CHANNELS = "data: {service.slack: 'token: $slack', subscriptions: '- recipients: [slack:alerts]'}\n"
POLICY = """checks:
- id: image-registry
  select: image
  environments: {only: [dev, prod]}
  schema: {pattern: '^registry\\.example\\.com/'}
- id: owner-set
  select: pipeline
  schema: {required: [owner]}
"""
RELEASE = "pipelines: {p: {digest: 'sha256:1', from: dev, commit: abc}}\n"


@dataclass(frozen=True)
class Case:
    """In a file `old` becomes `new`; the place that is told."""

    path: str
    text: str
    old: str
    new: str
    place: str = "lines"


CASES = {
    "a sync window": Case("argocd/project.yaml", PROJECT_YAML, "8h", "1m", "spec.syncWindows[0].duration"),
    "a destination": Case(
        "argocd/project.yaml",
        PROJECT_YAML,
        "namespace: kubeflow",
        "namespace: '*'",
        "spec.destinations[0].namespace",
    ),
    "a channel": Case(
        "argocd/notifications.yaml", CHANNELS, "slack:alerts", "slack:nobody", "data.subscriptions"
    ),
    "a check that is dropped": Case(
        "environments/policy.yaml", POLICY, POLICY[POLICY.index("- id: owner") :], "", "checks[owner-set]"
    ),
    "a schema that is loosened": Case(
        "environments/policy.yaml",
        POLICY,
        "^registry\\.example\\.com/",
        "",
        "checks[image-registry].schema.pattern",
    ),
    "a waiver": Case(
        "environments/policy.yaml",
        POLICY,
        "checks:",
        "waivers: [{check: owner-set, object: '*'}]\nchecks:",
        "waivers",
    ),
    "environments that are narrowed": Case(
        "environments/policy.yaml", POLICY, "[dev, prod]", "[dev]", "checks[image-registry].environments.only"
    ),
    "whence a release comes": Case(
        "environments/prod/release.yaml", RELEASE, "abc", "def", "pipelines.p.commit"
    ),
    "a release in a folder of a folder": Case(
        "environments/a/b/release.yaml", RELEASE, "abc", "def", "pipelines.p.commit"
    ),
    "a file beside the environments": Case("manifests/stray.yaml", "kind: a\n", "kind: a", "kind: b", "kind"),
    "a patch of the root": Case(
        "kustomization.yaml",
        "resources: [argocd]\n",
        "[argocd]",
        "[argocd]\npatches: [{path: p.yaml}]",
        "patches",
    ),
    "an image of the root": Case(
        "kustomization.yaml",
        "resources: [argocd]\n",
        "[argocd]",
        "[argocd]\nimages: [{name: a, newTag: b}]",
        "images",
    ),
    "how git reads files": Case(
        ".gitattributes", "* text\n", "* text", "* text\n*.yaml working-tree-encoding=UTF-16"
    ),
    "attributes of a folder": Case("environments/.gitattributes", "* text\n", "text", "-text"),
    "owners in .github": Case(".github/CODEOWNERS", "* @a\n", "@a", "@b"),
    "owners in the root": Case("CODEOWNERS", "* @a\n", "@a", "@b"),
    "owners in docs": Case("docs/CODEOWNERS", "* @a\n", "@a", "@b"),
    "a workflow": Case(".github/workflows/review.yaml", "on: [push]\n", "push", "workflow_run"),
    "a script of a workflow": Case(".github/ci/semantic-diff", "exit 1\n", "exit 1", "exit 0"),
    "an image's recipe": Case("scripts/Dockerfile", "FROM a\n", "FROM a", "FROM b"),
    "what an image is made of": Case("requirements-reconcile.lock", "a==1\n", "a==1", "a==2"),
}


def _compare(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    sides = []
    for texts in (before, after):
        names = shared.wanted(texts, lambda paths, texts=texts: {path: texts[path] for path in paths})
        sides.append(Shared("s", {path: texts[path] for path in names}))
    return list(shared.compare(*sides).changes)


@pytest.mark.parametrize("case", CASES)
def test_it_is_told_with_its_place(case: str) -> None:
    path, text = CASES[case].path, CASES[case].text
    assert CASES[case].old in text
    found = _compare({path: text}, {path: text.replace(CASES[case].old, CASES[case].new)})
    assert [(change.name, change.field) for change in found] == [(path, CASES[case].place)]
    assert not _compare({path: text}, {path: text})
    assert _compare({path: text}, {})
    assert _compare({}, {path: text})


def test_a_comment_in_yaml_is_nothing_and_one_elsewhere_is_told() -> None:
    assert not _compare({"argocd/a.yaml": "a: 1\n"}, {"argocd/a.yaml": "# b\na: 1\n"})
    assert _compare({"Makefile": "a:\n"}, {"Makefile": "# b\na:\n"})


def test_yaml_that_is_none_to_us_may_be_to_others() -> None:
    assert [
        change.field for change in _compare({"argocd/a.yaml": "a: 1\n"}, {"argocd/a.yaml": "a: !x 1\n"})
    ] == ["lines"]


def test_a_name_with_a_line_break_is_shared_like_any_other() -> None:
    texts = {
        "kustomization.yaml": 'resources: [argocd, "a\\nb.yaml"]\n',
        "a\nb.yaml": "",
        "argocd/a\nb.yaml": "",
    }
    names = {*texts, "argocd/\n", ".github/a\nb", "environments/a\nb/release.yaml", "docs/a\nb.yaml"}
    found = shared.wanted(names, lambda paths: {path: texts[path] for path in paths if path in texts})
    assert found == names - {"docs/a\nb.yaml"}


def test_what_a_kustomization_names_is_shared_wherever_it_lies() -> None:
    before = {
        "kustomization.yaml": "resources: [argocd]\npatches: [{path: ops/patch.yaml}]\ncomponents: [ops/parts]\n",
        "ops/patch.yaml": "a: 1\n",
        "ops/parts/kustomization.yaml": (
            "configurations: [../names.yaml]\nconfigMapGenerator: [{files: [k=../data.txt]}]\n"
        ),
        "ops/names.yaml": "a: 1\n",
        "ops/data.txt": "a\n",
        "manifests/dev/kustomization.yaml": "patches: [{path: ../../more/patch.json}]\n",
        "more/patch.json": '{"a": 1}',
        "ops/other.yaml": "a: 1\n",
    }
    named = set(before) - {"ops/other.yaml", "kustomization.yaml", "manifests/dev/kustomization.yaml"}
    for path in named:
        (change,) = _compare(before, {**before, path: before[path].replace("a", "b", 1)})[:1]
        assert change.name == path
    assert not _compare(before, {**before, "ops/other.yaml": "a: 2\n"})


@pytest.mark.parametrize("arguments", [["--env", "dev"], ["--env", "prod"], ["--all"]])
def test_every_format_tells_it_once(arguments: list[str], changed: Path, command: Command) -> None:
    (changed / ".gitattributes").write_text("* text=auto\n", "utf-8")
    commit(changed, "attributes")
    (changed / ".gitattributes").write_text("*.yaml working-tree-encoding=UTF-16\n", "utf-8")
    for form, times in (("text", 1), ("markdown", 1), ("json", 1)):
        outcome = command("diff", "--root", changed, "--from", NOW, "--format", form, *arguments)
        assert outcome.code == 2, outcome.err
        if form == "json":
            found = json.loads(outcome.out)
            schema = PROJECT / "scripts/kfp_gitops/language/schemas/diff.schema.json"
            jsonschema.Draft202012Validator(json.loads(schema.read_text("utf-8"))).validate(found)
            (change,) = found["shared"]["changes"]
            assert [one["path"] for one in found["shared"]["problems"]] == [".gitattributes"]
            assert change["after"] == ["*.yaml working-tree-encoding=UTF-16"]
            assert not any(environment["semantic"] for environment in found["environments"])
        else:
            assert outcome.out.lower().count("beside the manifests") == times
            assert "working-tree-encoding" in outcome.out


def test_a_folder_of_manifests_that_is_no_environment_is_told(changed: Path, command: Command) -> None:
    (changed / "manifests/stray").mkdir()
    (changed / "manifests/stray/role.yaml").write_text("kind: Role\nmetadata: {name: all}\n", "utf-8")
    outcome = command("diff", "--root", changed, "--all")
    assert (outcome.code, "+ delivery Role/all" in outcome.out) == (1, True)


def test_a_link_and_bytes_that_are_no_text_are_told_and_not_followed(changed: Path, command: Command) -> None:
    (changed / ".gitattributes").symlink_to("/etc/passwd")
    (changed / "requirements.lock").write_bytes(b"\xff\n")
    commit(changed, "links")
    (changed / ".gitattributes").unlink()
    (changed / "requirements.lock").write_bytes(b"\xfe\n")
    outcome = command("diff", "--root", changed, "--env", "dev")
    assert (outcome.code, "passwd" in outcome.out) == (2, False)
    assert "file .gitattributes" in outcome.out
    assert "file requirements.lock: lines" in outcome.out
