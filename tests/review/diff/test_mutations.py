"""The rule at the bottom of the diff: whatever differs in anything that is parsed is never «no semantic change»."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import mutations
import profiles
import pytest
import yaml
from diff_kit import Command
from gitrepo import commit
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.commands import diff as cli
from kfp_gitops.rendering import specs
from kfp_gitops.rendering.rendered import ENVIRONMENT, LOCK, identity
from kfp_gitops.review.diff import jsonform, markdown, revision, shared, text
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.model import EnvironmentDiff, SharedDiff
from kfp_gitops.review.diff.shared import Shared
from kfp_gitops.review.diff.state import State
from project import PROJECT

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BATCHES = 20
# Pipelines of the language's own tests: what those that ship do not use.
RICH = (
    "caching", "collect_parameters", "environment_from_the_cluster", "exit_handler", "if_elif_else", "importer",
    "loop_over_maps_in_a_condition", "nested_conditions", "nested_loops", "nested_pipeline", "one_of_parameters",
    "outputs_of_the_pipeline", "persistent_volume_claims", "placement", "pod_and_image", "resources", "retries",
    "root_and_names", "security_and_timeout", "text_of_parts", "volumes_from_the_cluster", "workspace_and_config",
)  # fmt: skip
EXTRA = """
schedules:
- {name: daily, cron: '0 0 4 * * *', enabled: true, maxConcurrency: 1, catchup: false, parameters: {n: 2}}
- {name: hourly, intervalSeconds: 3600, enabled: false, maxConcurrency: 1, catchup: true}
triggers:
- {name: smoke, runOn: change, parameters: {n: 1}}
- name: after-load
  runOn: {pipeline: load, state: FAILED, versions: any}
  parameters: {day: {run: scheduledTime}, note: {constant: {run: id}}}
  onlyWithin: {from: '06:00', to: '20:00', days: [mon, fri]}
  onMissed: run
  maxConcurrency: 2
  enabled: false
- {name: on-data, runOn: {data: {uri: s3://lake/usage/, changes: newest-key}}, parameters: {key: {data: key}}}
"""


@dataclass(frozen=True)
class Repository:
    """What is compared: texts of manifests/<env>/, and of what environments share."""

    environments: Mapping[str, Mapping[str, str]]
    shared: Mapping[str, str]

    def files(self) -> list[tuple[str, str]]:
        """(environment or nothing, path) of each file."""
        owned = [(env, path) for env, texts in self.environments.items() for path in texts]
        return [*owned, *(("", path) for path in self.shared)]

    def text(self, env: str, path: str) -> str:
        return self.environments[env][path] if env else self.shared[path]

    def changed(self, env: str, path: str, new: str) -> tuple[list[EnvironmentDiff], SharedDiff]:
        """What the diff says of one file with another text."""
        left, right = self.shared, self.shared if env else {**self.shared, path: new}
        common = shared.compare(Shared("HEAD", left), Shared("the work tree", right))
        if not env:
            return [], common
        after = State("the work tree", _with(self.environments[env], path, new))
        return [compare(env, _before(env), after, NOW)], common


def _with(texts: Mapping[str, str], path: str, new: str) -> dict[str, str]:
    """The files with another text of one: a component spec has another name then, and is referred to by it."""
    if not path.startswith(specs.PREFIX):
        return {**texts, path: new}
    component, digits = specs.component_of(path), path[-13:-5]
    moved = specs.path(component, specs.hash8(new))
    head = re.sub(rf"\b{component}: '?{digits}'?", f"{component}: '{specs.hash8(new)}'", texts[ENVIRONMENT])
    assert head != texts[ENVIRONMENT] or moved == path
    rest = {name: text for name, text in texts.items() if name != path}
    return {**rest, moved: new, ENVIRONMENT: head}


@cache
def repository() -> Repository:
    """What ships, and beside it one pipeline for each thing that a manifest can say."""
    environments = {env: revision.in_tree(PROJECT, f"manifests/{env}") for env in ("dev", "prod")}
    environments["dev"] = _enriched(environments["dev"])
    return Repository(environments, revision.shared_in_tree(PROJECT, "HEAD").texts)


@cache
def _before(env: str) -> State:
    return State("HEAD", repository().environments[env])


def _enriched(texts: Mapping[str, str]) -> dict[str, str]:
    head, lock = (yaml.safe_load(texts[path]) for path in (ENVIRONMENT, LOCK))
    found = dict(texts)
    for name in RICH:
        files = {
            path: (PROJECT / "tests/dsl" / name / path).read_text("utf-8")
            for path in ("manifest.yaml", "prepare.inner.yaml")
            if (PROJECT / "tests/dsl" / name / path).is_file()
        }
        manifest = files["manifest.yaml"] + ("" if "schedules:" in files["manifest.yaml"] else EXTRA)
        own = {f"pipelines/{name}/pipeline.yaml": manifest}
        if "prepare.inner.yaml" in files:
            own[f"pipelines/{name}/pipelines/prepare.yaml"] = files["prepare.inner.yaml"]
        found |= own
        digest = f"sha256:{len(found):064x}"
        head["pipelines"].append({"name": name, "release": digest, "pausedUntil": "2027-01-01T00:00:00Z"})
        lock["pipelines"][name] = {
            "version": f"sha-{digest[7:27]}",
            "digest": digest,
            "manifest": identity(own.items()),
        }
    graph = "pipelines/brought/own.ir.yaml"
    found[graph] = "".join(text for path, text in texts.items() if path.startswith("components/train_model-"))
    found["pipelines/brought/pipeline.yaml"] = (
        "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nspec: {ir: own.ir.yaml}\n"
    )
    head["pipelines"].append({"name": "brought", "release": "sha256:0", "commit": "a" * 40})
    return {**found, ENVIRONMENT: dump(head), LOCK: dump(lock)}


def _is_data(env: str, path: str) -> bool:
    return path.endswith(".yaml") and (bool(env) or not shared._TEXTS.fullmatch(path))


@cache
def _documents(env: str, path: str) -> list[object]:
    """As they are: mutations are made of copies."""
    return [found.value for found in parse_all(repository().text(env, path), path)]


def _lines(found: list[EnvironmentDiff], common: SharedDiff) -> str:
    """The three formats, one after another; each has to say that something changes."""
    printed = [text.to_text(item) for item in found] or [text.shared_to_text(common)]
    comment = markdown.to_markdown(found, common)
    data = json.loads(jsonform.to_json(found, common))
    parts = [*data["environments"]] or [data["shared"]]
    assert all(not one.endswith("no semantic change") for one in printed)
    assert "| what |" in comment or "###" in comment, "the comment shows no change"
    assert all(part["semantic"] for part in parts)
    told = [change for part in parts for change in [*part["changes"], *_of_pipelines(part)]]
    assert told or any(pipeline["action"] for part in parts for pipeline in part.get("pipelines", ()))
    return json.dumps(data, ensure_ascii=False)


def _of_pipelines(part: Mapping[str, list[Mapping[str, list[object]]]]) -> Iterator[object]:
    for pipeline in part.get("pipelines", ()):
        yield from pipeline["changes"]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_mutation_of_a_document_is_silent(batch: int) -> None:
    """At least 2,000 in CI, of all files in turn."""
    files = [pair for pair in repository().files() if _is_data(*pair)]
    for number in range(batch, profiles.examples(2000), BATCHES):
        rng = random.Random(number)
        env, path = rng.choice(files)
        mutation = mutations.mutate(_documents(env, path), rng)
        found = repository().changed(env, path, mutations.text(mutation.documents))
        told = f"mutation {number} of {env} {path}: {mutation}"
        assert cli._code(found[1], found[0]) == 1, told
        try:
            _lines(*found)
        except AssertionError as error:
            raise AssertionError(told) from error


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_difference_hides_behind_another(batch: int) -> None:
    """Of several scalars of one file, each replaced by a text of its own, every one is in the records."""
    files = [pair for pair in repository().files() if _is_data(*pair)]
    for number in range(batch, profiles.examples(600), BATCHES):
        rng = random.Random(f"marks {number}")
        env, path = rng.choice(files)
        marks = [f"mark-{number}-{index}-end" for index in range(rng.randint(2, 5))]
        first = _documents(env, path)
        if number % 2:
            first = mutations.mutate(first, rng).documents
        documents = mutations.mark(first, rng, marks)
        new = mutations.text(documents)
        told = _lines(*repository().changed(env, path, new))
        missing = [mark for mark in marks if mark in new and mark not in told]
        assert not missing, f"{number} of {env} {path}: {missing}"


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_the_command_tells_it(
    form: str, changed: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sample of files on disk, in every format; that they were not rendered is another matter."""
    monkeypatch.setattr(cli, "_stale", lambda *_: [])
    folders = ("manifests/dev", "environments/dev/release.yaml", "kustomization.yaml")
    (changed / "kustomization.yaml").write_text("resources: [argocd]\n", "utf-8")
    commit(changed, "kustomization")
    tree = [changed / folder for folder in folders]
    for path in [
        found for top in tree for found in ([top] if top.is_file() else sorted(top.rglob("*.yaml")))
    ]:
        old = path.read_text("utf-8")
        mutation = mutations.mutate([found.value for found in parse_all(old, "")], random.Random(path.name))
        path.write_text(mutations.text(mutation.documents), "utf-8")
        outcome = command("diff", "--root", changed, "--env", "dev", "--format", form)
        assert outcome.code == 1, f"{path}: {mutation}\n{outcome.out}{outcome.err}"
        path.write_text(old, "utf-8")


def test_the_writing_alone_is_no_difference() -> None:
    """Other quotes, indentation and comments, and keys in another order."""
    for env, path in (pair for pair in repository().files() if _is_data(*pair)):
        documents = [_turned(found) for found in _documents(env, path)]
        found = repository().changed(env, path, f"# a comment\n{mutations.text(documents)}")
        assert cli._code(found[1], found[0]) == 0, f"{env} {path}"


def _turned(value: object) -> object:
    if isinstance(value, dict):
        return {key: _turned(item) for key, item in reversed(value.items())}
    return [_turned(item) for item in value] if isinstance(value, list) else value


def test_no_line_of_a_text_changes_in_silence() -> None:
    """Who reviews, what checks, what images are made of: files that are no data are compared as they are."""
    texts = [(path, text_) for path, text_ in repository().shared.items() if not _is_data("", path)]
    assert {".gitattributes", ".github/CODEOWNERS", ".github/workflows/review.yaml"} <= {
        path for path, _ in texts
    }
    for number in range(profiles.examples(300)):
        rng = random.Random(f"text {number}")
        path, old = rng.choice(texts)
        lines = old.split("\n")
        at = rng.randrange(len(lines))
        for new in (lines[:at] + lines[at + 1 :], [*lines[:at], "added", *lines[at:]], [*lines, lines[at]]):
            found = repository().changed("", path, "\n".join(new))
            assert cli._code(found[1], found[0]) == 1, f"{number} of {path}"
            _lines(*found)
