"""What the SDK compiles to IR that cannot run is refused at the manifest's line."""

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.compiling.compiler import compile_pipeline, emit
from kfp_gitops.language.manifest import reader
from kfp_gitops.language.manifest.place import Places
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import HERE

_MANIFEST = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: x, description: d, owner: o}
spec:
  parameters:
    go: {type: str}
  tasks:
    first: {component: c}
    maybe:
      if: {eq: [{param: go}, "yes"]}
      tasks:
        second: {component: c}
        each:
          loop: {items: [1, 2]}
          tasks:
            third: {component: c}
"""


def _task(component: str, shown: str) -> dict[str, object]:
    return {"componentRef": {"name": component}, "taskInfo": {"name": shown}}


_SPEC = {
    "root": {
        "dag": {"tasks": {"c": _task("comp-c", "first"), "condition-1": _task("comp-condition-1", "condition-1")}}
    },
    "components": {
        "comp-c": {"executorLabel": "exec-c"},
        "comp-condition-1": {
            "dag": {"tasks": {"c-2": _task("comp-c", "second"), "for-loop-3": _task("comp-for-loop-3", "for-loop-3")}}
        },
        "comp-for-loop-3": {"dag": {"tasks": {"c-3": _task("comp-c", "third")}}},
    },
}  # fmt: skip


def test_every_place_in_the_ir_leads_to_a_line_of_the_manifest() -> None:
    manifest = reader.read(_MANIFEST, "pipeline.yaml")
    places = Places(manifest, _SPEC)

    def line(path: str) -> int:
        return manifest.document.position(places.of_task(path), key=True)[0]

    paths = ["c", "condition-1", "condition-1/c-2", "condition-1/for-loop-3", "condition-1/for-loop-3/c-3"]
    assert [line(path) for path in paths] == [8, 9, 12, 13, 16]
    at = ("components", "comp-for-loop-3", "inputDefinitions", "parameters", "x")
    assert manifest.document.position(places.of_path(at), key=True)[0] == 13  # the loop's line
    assert places.of_path(("pipelineInfo",)) == ()


def test_unsound_ir_is_refused_at_the_line_of_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """The builder works around what is known to go wrong, so a broken emission stands in for the next surprise."""
    broken = {**_SPEC, "pipelineInfo": {"name": "x"}, "schemaVersion": "2.1.0"}
    monkeypatch.setattr(emit, "documents", lambda _: [broken])
    specs = {"c": (HERE / "data/repository/components/greet/component.yaml").read_text("utf-8")}
    manifest = _MANIFEST.replace("{component: c}", "{component: c, arguments: {name: x}}")
    with pytest.raises(InputError) as refused:
        compile_pipeline(RenderedPipeline("x", "sha256:0", manifest, specs), "manifests/dev")
    problem = refused.value.problems[0]
    assert (problem.path, problem.line) == ("manifests/dev/pipelines/x/pipeline.yaml", 8)
    assert "compiles this to IR that cannot run" in problem.what
