"""The final status that KFP hands to a pipeline: who says it, and who may be given it."""

from __future__ import annotations

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.checking import check
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.language.manifest import reader
from kfp_gitops.rendering.rendered import RenderedPipeline
from language import COMPONENTS, HEAD, SPECS, refusals

TELL = """spec:
  parameters: {status: {type: dict, finalStatus: true}}
  tasks: {t: {component: say, arguments: {text: x}}}
"""
OUTER = """spec:
  tasks:
    all: {finally: {e: {pipeline: tell%s}}, tasks: {s: {component: say, arguments: {text: x}}}}
"""


def _problems(outer: str) -> list[str]:
    tell = reader.read(HEAD + TELL, "tell.yaml")
    interfaces = {"tell": check.interface(tell, COMPONENTS, {})}
    return [one.what for one in check.problems(reader.read(HEAD + outer, "m.yaml"), COMPONENTS, interfaces)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dict,", "int,", "2:31: the final status is a dict, not an int; write dict"),
        ("true}", "true, optional: true}", "2:56: KFP fills the final status in; drop this"),
        ("true}", "true, default: {}}", "2:56: KFP fills the final status in; drop this"),
    ],
)
def test_nothing_else_is_said_of_what_kfp_fills_in(old: str, new: str, said: str) -> None:
    assert refusals(TELL.replace(old, new)) == [said]


def test_it_is_for_a_pipeline_inside_another_one() -> None:
    manifest = reader.read(HEAD + TELL, "m.yaml")
    assert [one.what for one in check.outer_problems(manifest)] == ["no exit handler is around this pipeline"]
    assert check.nested_problems(manifest) == []


def test_the_task_of_a_finally_is_not_given_it_by_hand() -> None:
    assert _problems(OUTER % "") == []
    assert _problems(OUTER % ", arguments: {status: {}}") == ["pipeline 'p' takes no argument 'status'"]
    alone = "spec:\n  tasks:\n    e: {pipeline: tell}\n"
    assert _problems(alone) == ["pipeline 'p' takes the final status 'status', but 'e' is no exit task"]


def test_it_arrives() -> None:
    inner = {"tell": HEAD + TELL}
    rendered = RenderedPipeline("p", "sha256:0", HEAD + OUTER % "", SPECS, inner=inner)
    text = compile_pipeline(rendered, "m").text
    assert "taskFinalStatus:\n                producerTask: exit-handler-1" in text
    with pytest.raises(InputError, match="PipelineTaskFinalStatus can only be used in an exit task"):
        rendered = RenderedPipeline(
            "p", "0", HEAD + "spec: {tasks: {e: {pipeline: tell}}}\n", SPECS, inner=inner
        )
        compile_pipeline(rendered, "m")
