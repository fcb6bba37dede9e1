"""A manifest's steps are those of its IR: what is predicted without compiling is what compiling would have said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import parse
from kfp_gitops.checking import check
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.language.manifest import reader
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.rendering.rendered import read as read_rendered
from kfp_gitops.review.caching import Fate, Side, predict, read
from kfp_gitops.review.caching.steps import Step
from language import COMPONENTS
from manifest_strategy import manifests
from profiles import examples
from project import PROJECT

DSL = Path(__file__).parents[2] / "dsl"
CASES = sorted(path.parent.name for path in DSL.glob("*/manifest.yaml"))
SPECS = {path.stem: path.read_text("utf-8") for path in sorted((DSL / "dsl_components").glob("*.yaml"))}


def _rendered(case: str) -> RenderedPipeline:
    inner = {
        path.name.removesuffix(".inner.yaml"): path.read_text() for path in (DSL / case).glob("*.inner.yaml")
    }
    return RenderedPipeline(case, "sha256:0", (DSL / case / "manifest.yaml").read_text(), SPECS, inner=inner)


def side(rendered: RenderedPipeline) -> Side:
    """What the diff has of a rendered pipeline."""
    return Side(
        parse(rendered.manifest, "m").value,
        {name: parse(text, name).value for name, text in rendered.specs.items()},
        {f"{name}.yaml": parse(text, name).value for name, text in rendered.inner.items()},
    )


def _shown(steps: list[Step]) -> list[tuple[Any, ...]]:
    """What a key is made of, in no order; `default` is the manifest's word for the first of several."""
    found = [
        (
            step.container.image,
            step.container.line,
            step.container.outputs,
            tuple((name, _value(value)) for name, value in step.given),
            step.cache,
            step.key,
            step.always,
            int(step.motion),
        )
        for step in steps
    ]
    return sorted(found, key=repr)


def _value(value: Any) -> Any:
    match value:
        case _ if hasattr(value, "text"):
            return value.text
        case _ if hasattr(value, "step"):
            return (
                "made by",
                value.step.container.line,
                value.output,
                tuple(_value(v) for _, v in value.step.given),
            )
        case _ if hasattr(value, "parts"):
            return (
                (value.kind, tuple(map(_value, value.parts)))
                if value.kind not in ("metadata", "import")
                else value.kind
            )
    return str(value)


@pytest.mark.parametrize("case", CASES)
def test_the_steps_of_a_manifest_are_those_of_its_ir(case: str) -> None:
    rendered = _rendered(case)
    compiled = Side.of_ir(ir.documents(compile_pipeline(rendered, "m").text))
    assert _shown(read.steps(side(rendered), {})) == _shown(read.steps(compiled, {}))


NUMBERED = """
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: p, description: d, owner: o}
spec:
  parameters: {n: {type: int, default: 1}, words: {type: list, default: [x, y]}}
  tasks:
    first: {component: say, arguments: {text: a}}
    which:
      if: {eq: [{param: n}, 1]}
      tasks: {one: {component: say, arguments: {text: one}}}
      elif:
      - if: {eq: [{param: n}, 2]}
        tasks: {two: {component: say, arguments: {text: two}}}
      - if: {eq: [{param: n}, 3]}
        tasks: {three: {component: say, arguments: {text: three}}}
      else:
        tasks: {more: {component: say, arguments: {text: more}}}
    each:
      loop: {items: [c, d]}
      tasks:
        inner:
          loop: {items: {param: words}}
          tasks: {told: {component: say, arguments: {text: {concat: [{item: each}, {item: inner}]}}}}
    last:
      loop: {items: [e, f]}
      tasks: {again: {component: say, arguments: {text: {concat: [{item: last}, {task: first, output: said}]}}}}
"""


def test_names_in_texts_are_counted_as_the_sdk_counts() -> None:
    rendered = RenderedPipeline("p", "sha256:0", NUMBERED, SPECS)
    compiled = Side.of_ir(ir.documents(compile_pipeline(rendered, "m").text))
    assert _shown(read.steps(side(rendered), {})) == _shown(read.steps(compiled, {}))


def test_a_component_that_is_a_graph_has_the_steps_of_its_own() -> None:
    graph = compile_pipeline(_rendered("nested_pipeline"), "m").text
    outer = NUMBERED.partition("    first:")[0] + "    all: {component: graph, arguments: {n: 3}}\n"
    rendered = RenderedPipeline("p", "sha256:0", outer, {"graph": graph})
    compiled = Side.of_ir(ir.documents(compile_pipeline(rendered, "m").text))
    assert _shown(read.steps(side(rendered), {})) == _shown(read.steps(compiled, {}))


def test_so_has_a_compiled_pipeline_that_a_task_runs() -> None:
    graph = compile_pipeline(_rendered("nested_pipeline"), "m").text
    outer = NUMBERED.partition("    first:")[0] + "    all: {pipeline: graph, arguments: {n: 3}}\n"
    rendered = RenderedPipeline("p", "sha256:0", outer, {}, irs={"graph.yaml": graph})
    compiled = Side.of_ir(ir.documents(compile_pipeline(rendered, "m").text))
    manifest = Side(parse(outer, "m").value, irs={"graph.yaml": ir.documents(graph)})
    assert _shown(read.steps(manifest, {})) == _shown(read.steps(compiled, {}))


@pytest.mark.parametrize("env", ["dev", "prod"])
def test_so_are_those_of_what_ships(env: str) -> None:
    folder = f"manifests/{env}"
    for entry in parse((PROJECT / folder / "environment.yaml").read_text("utf-8"), env).value["pipelines"]:
        rendered = read_rendered(PROJECT, folder, entry)
        compiled = Side.of_ir(ir.documents(compile_pipeline(rendered, "m").text))
        assert _shown(read.steps(side(rendered), {})) == _shown(read.steps(compiled, {})), entry["name"]


@settings(max_examples=examples(200), suppress_health_check=list(HealthCheck))
@given(manifests())
def test_so_are_those_of_any_manifest(manifest: dict[str, Any]) -> None:
    text = dump(manifest)
    try:
        refused = check.problems(reader.read(text, "m"), COMPONENTS)
    except InputError:
        refused = [None]
    assume(not refused)
    rendered = RenderedPipeline("p", "sha256:0", text, SPECS)
    compiled = Side.of_ir(ir.documents(compile_pipeline(rendered, "m").text))
    assert _shown(read.steps(side(rendered), {})) == _shown(read.steps(compiled, {})), text


@pytest.mark.parametrize(
    ("case", "task", "why"),
    [
        ("exit_handler", None, "it is told how the run went"),
        ("persistent_volume_claims", "named", "its cache is off"),
        ("persistent_volume_claims", "remove", "KFP keeps no result of a step that removes a claim"),
        ("persistent_volume_claims", "write", "what it is given is new each time"),
        ("workspace_and_config", None, "it uses the run's workspace"),
        ("facts_of_the_run", "id", "what it is given is new each time"),
    ],
)
def test_what_is_never_answered_says_why(case: str, task: str | None, why: str) -> None:
    same = side(_rendered(case))
    found = predict(same, same).of(Fate.EACH_TIME)
    assert why in [text for one in found if task in (None, one.task) for text in one.because]


def test_a_claim_without_a_name_is_made_in_each_run() -> None:
    rendered = _rendered("persistent_volume_claims")
    on = side(replace(rendered, manifest=rendered.manifest.replace("cache: false", "cache: true")))
    found = {one.task: one.because for one in predict(on, on).of(Fate.EACH_TIME)}
    assert found["scratch"] == ("each run gets a claim of its own",)
    assert "named" not in found
