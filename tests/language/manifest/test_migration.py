"""Older versions of the manifest language are read, migrated and warned of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base import schema
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import Document, parse
from kfp_gitops.language.manifest import Constant, Loop, Task, migration, reader, walk

OLD = """\
apiVersion: kfp-gitops/v1alpha1
kind: PipelineManifest
metadata: {name: p, description: d, owner: o}
spec:
  tasks:
    artifact:
      component: c
      arguments:
        {a: {artifact: x}, b: [{oneOf: [1]}], c: {deep: {concat: y}}, d: {param: z}, e: {literal: {artifact: w}}}
    each:
      loop: {items: [{artifact: a, name: b}]}
      tasks:
        g:
          if: {eq: [{item: each, field: name}, b]}
          tasks: {inner: {component: c, arguments: {f: {concat: [x]}}}}
          else: {tasks: {other: {component: c}}}
"""


def _migrated() -> Document:
    return migration.migrated(parse(OLD, "m.yaml"))


def test_what_was_a_constant_in_v1alpha1_is_one_in_v1() -> None:
    manifest = reader.of_document(_migrated())
    nodes = {node.id: node for node in walk(manifest.body)}
    task, loop, inner = nodes["artifact"], nodes["each"], nodes["inner"]
    assert isinstance(task, Task)
    constants = {name: value.value for name, value in task.arguments.items() if isinstance(value, Constant)}
    assert constants == {
        "a": {"artifact": "x"},
        "b": [{"oneOf": [1]}],
        "c": {"deep": {"concat": "y"}},
        "e": {"artifact": "w"},
    }
    assert isinstance(loop, Loop)
    assert loop.items == Constant([{"artifact": "a", "name": "b"}])
    assert isinstance(inner, Task)
    assert inner.arguments == {"f": Constant({"concat": ["x"]})}


def test_the_steps_lead_from_every_old_version_to_the_present_one() -> None:
    present = schema.named("pipeline-manifest").validator.schema["properties"]["apiVersion"]["const"]
    for version in migration.STEPS:
        assert migration.migrated(parse(f"apiVersion: {version}", "m")).value["apiVersion"] == present


def test_a_migration_leaves_the_text_it_was_given_alone() -> None:
    document = parse(OLD, "m.yaml")
    before = json.dumps(document.value)
    migration.migrated(document)
    assert json.dumps(document.value) == before


def test_positions_stay_those_of_the_old_text() -> None:
    assert _migrated().position(("spec", "tasks", "artifact", "arguments", "d")) == (9, 74)


@pytest.mark.parametrize(
    "text", ["apiVersion: kfp-gitops/v1alpha1\nspec: 3", "apiVersion: 1", "[]", "spec: {tasks: {a: 1}}"]
)
def test_what_is_no_manifest_is_refused_by_the_schema_as_ever(text: str) -> None:
    with pytest.raises(InputError):
        reader.of_document(migration.migrated(parse(text, "m.yaml")))


def test_manifests_in_an_old_version_are_to_be_rendered_anew() -> None:
    with pytest.raises(InputError) as caught:
        reader.read(OLD, "manifests/dev/pipelines/p/pipeline.yaml")
    assert str(caught.value) == (
        "manifests/dev/pipelines/p/pipeline.yaml:1:13: the manifest is in kfp-gitops/v1alpha1, an older version than "
        "kfp-gitops/v1; render it anew with `python scripts/render.py --all --lock` (see docs/manifest-migration.md)"
    )


def test_a_template_in_an_old_version_renders_to_the_same_manifest_with_a_warning(
    repository: Path, command: Callable[..., Any]
) -> None:
    command("render", "--root", repository, "--env", "dev")
    rendered = repository / "manifests/dev/pipelines/hello/pipeline.yaml"
    before = rendered.read_text()
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    template.write_text(template.read_text().replace("kfp-gitops/v1\n", "kfp-gitops/v1alpha1\n"))
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 0
    assert outcome.err.splitlines()[0] == (
        "templates/pipelines/hello/pipeline.yaml.j2:1:13: warning: the template is written in "
        "kfp-gitops/v1alpha1 and was migrated to kfp-gitops/v1 (rendered for dev: line 1 `apiVersion: "
        "kfp-gitops/v1alpha1`); change the line to `apiVersion: kfp-gitops/v1` "
        "(what else changed: docs/manifest-migration.md)"
    )
    assert rendered.read_text() == before
