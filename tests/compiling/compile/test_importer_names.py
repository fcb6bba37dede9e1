"""Importers are called by their keys in IR, since KFP finds their artifacts so, and by their ids where we show them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.compiling import compiler, ir
from kfp_gitops.language.manifest import importers, reader
from kfp_gitops.language.manifest.place import Places
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import Outcome

Run = Callable[..., Outcome]

_HEAD = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: NAME, description: d, owner: o}
spec:
"""
_INNER = (
    _HEAD.replace("NAME", "inner")
    + """
  tasks:
    inside: {importer: {uri: gs://b/inside, type: Dataset}}
    read: {component: read, arguments: {data: {task: inside, output: artifact}}}
"""
)
# `first` is made after `second`, on which it waits; `importer` is a component's task, named like an importer's key.
_OUTER = (
    _HEAD.replace("NAME", "outer")
    + """
  parameters: {n: {type: int, default: 3}}
  tasks:
    first: {importer: {uri: gs://b/first, type: Dataset}, after: [second]}
    second: {importer: {uri: gs://b/second, type: Dataset}, displayName: the second}
    importer: {component: read, arguments: {data: {task: first, output: artifact}}}
    also: {component: read, arguments: {data: {task: second, output: artifact}}}
    maybe:
      if: {gt: [{param: n}, 2]}
      tasks:
        third: {importer: {uri: gs://b/third, type: Dataset}}
        reads: {component: read, arguments: {data: {task: third, output: artifact}}}
    nested: {pipeline: inner}
    again: {pipeline: inner}
"""
)
_READ = """name: read
inputs:
- {name: data, type: Dataset}
implementation:
  container: {image: "x@sha256:DIGEST", command: [cat, {inputPath: data}]}
""".replace("DIGEST", "1" * 64)


@pytest.fixture(scope="module")
def rendered() -> RenderedPipeline:
    return RenderedPipeline("outer", "r", _OUTER, {"read": _READ}, inner={"inner": _INNER})


@pytest.fixture(scope="module")
def text(rendered: RenderedPipeline) -> str:
    return compiler.compile_pipeline(rendered, "m").text


def test_in_ir_the_name_of_an_importer_is_the_key_by_which_its_consumers_know_it(text: str) -> None:
    (spec,) = ir.documents(text)
    dags = [spec["root"]["dag"], *(one["dag"] for one in spec["components"].values() if "dag" in one)]
    named = {
        key: task["taskInfo"]["name"]
        for dag in dags
        for key, task in dag["tasks"].items()
        if "importer" in task["componentRef"]["name"]
    }
    assert named == {key: key for key in ("importer", "importer-2", "importer-3")}
    taken = [
        source["taskOutputArtifact"]["producerTask"]
        for dag in dags
        for task in dag["tasks"].values()
        for source in task.get("inputs", {}).get("artifacts", {}).values()
    ]
    assert set(taken) == set(named)


def test_a_finding_in_an_importer_has_the_line_of_its_node(text: str) -> None:
    manifest = reader.read(_OUTER, "m.yaml")
    places = Places(manifest, ir.documents(text)[0])
    assert places.of_task("importer-2") == ("spec", "tasks", "first")
    assert places.of_task("importer") == ("spec", "tasks", "second")
    assert places.of_task("condition-1/importer-3") == ("spec", "tasks", "maybe", "tasks", "third")
    assert places.of_task("read") == ("spec", "tasks", "importer")  # a component's task of that id


def test_no_node_is_guessed_where_their_numbers_differ(text: str) -> None:
    manifest = reader.read(_OUTER, "m.yaml")
    fewer = reader.read(
        _OUTER.replace(
            "    also: {component: read, arguments: {data: {task: second, output: artifact}}}\n", ""
        )
        .replace("    second: {importer: {uri: gs://b/second, type: Dataset}, displayName: the second}\n", "")
        .replace(", after: [second]", ""),
        "m.yaml",
    )
    spec = ir.documents(text)[0]
    assert len(importers.found(manifest, spec)) == 3
    assert importers.found(fewer, spec) == []


def test_a_local_run_shows_the_manifests_name(repository: Path, command: Run, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("x")
    manifest = (
        _HEAD.replace("NAME", "hello")
        + """
  parameters: {where: {type: str}}
  tasks:
    each:
      loop: {items: ["a", "b"]}
      tasks:
        the-data: {importer: {uri: {param: where}, type: Dataset}}
"""
    )
    (repository / "templates/pipelines/hello/pipeline.yaml.j2").write_text(manifest)
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    done = command(
        "run",
        "--root",
        repository,
        "--env",
        "dev",
        "--pipeline",
        "hello",
        "--local",
        "--param",
        f"where={tmp_path}/data.txt",
        "--out",
        tmp_path / "out",
    )
    assert done.code == 0, done.err
    assert "the-data" in done.out
    assert "importer" not in done.out.replace(str(tmp_path), "")
    events = [json.loads(line) for line in (tmp_path / "out/events.jsonl").read_text().splitlines()]
    assert {event["display_name"] for event in events if event.get("kind") == "importer"} == {"importer"}
