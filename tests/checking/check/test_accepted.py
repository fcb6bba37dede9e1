"""Which faults of a manifest have a kind, so that it may accept them, and which are refused of every run."""

from __future__ import annotations

import json

import pytest
from kfp_gitops.base import faults as texts
from kfp_gitops.base import schema
from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.base.yamltext import parse
from kfp_gitops.checking import check
from kfp_gitops.compiling.compiler import compile_pipeline, identify_pipeline
from kfp_gitops.language import faults, irlint
from kfp_gitops.language.manifest import reader
from kfp_gitops.rendering.rendered import RenderedPipeline
from language import HEAD, SPECS, problems

_SAY = "    say: {component: say, arguments: {text: a}%s}\n"
_TASKS = "spec:\n  tasks:\n" + _SAY
MANIFESTS = {
    "accelerator-left-out": _TASKS % ", resources: {accelerator: {limit: 1}}",
    "claim-cached": "spec:\n  tasks:\n    claim: {createPvc: {accessModes: [ReadWriteMany], size: 1Gi, name: data}}\n",
    "claim-raced": _TASKS % ", volumes: {/data: {pvc: data}}" + "    remove: {deletePvc: {name: data}}\n",
    "empty-loop": (
        "spec:\n  parameters: {names: {type: list, default: []}}\n  tasks:\n    each:\n"
        "      loop: {items: {param: names}}\n      tasks:\n"
        "        say: {component: say, arguments: {text: {item: each}}}\n"
        "    join: {component: join, arguments: {texts: {collect: {task: say, output: said}}}}\n"
    ),
    "exit-forgotten": _TASKS % ", ignoreUpstreamFailure: true",
    "fact-left": "spec:\n  tasks:\n    say: {component: say, arguments: {text: {run: pipeline-root}}}\n",
    "json-unescaped": (
        "spec:\n  parameters: {word: {type: str, default: 'a\"b'}}\n  tasks:\n"
        "    say: {component: say, arguments: {text: {concat: [hello, {param: word}]}}}\n"
    ),
    "list-in-loop": (
        "spec:\n  parameters: {names: {type: list, default: [a]}}\n  tasks:\n    each:\n"
        "      loop: {items: {param: names}}\n      tasks:\n"
        "        join: {component: join, arguments: {texts: {param: names}}}\n"
    ),
    "optional-parameter": (
        "spec:\n  parameters: {word: {type: str, optional: true}}\n  tasks:\n"
        "    say: {component: say, arguments: {text: {param: word}}}\n"
    ),
    "pipeline-root": "spec:\n  pipelineRoot: mino://bucket/root\n  tasks:\n" + _SAY % "",
    "retry-lost": _TASKS % ", retry: {count: 2, factor: 1.5}",
    "unfit-default": (
        "spec:\n  parameters: {gpu: {type: str, default: NVIDIA_TESLA_P4}}\n  tasks:\n"
        + _SAY % ", resources: {accelerator: {type: {param: gpu}, limit: 1}}"
    ),
}
OF_COMPILED = {
    "concat-as-json", "default-unread", "if-present-as-json", "if-present-of-artifact", "if-present-of-parts",
    "importer-name", "optional-artifact", "output-unwritten", "placeholder-left",
}  # fmt: skip


def _accepting(body: str, *kinds: str) -> RenderedPipeline:
    accepted = body.replace("spec:\n", f"spec:\n  acceptedFaults: [{', '.join(kinds)}]\n", 1)
    return RenderedPipeline("p", "sha256:0", HEAD + accepted, SPECS)


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_manifest_may_accept_it(kind: str) -> None:
    found = problems(MANIFESTS[kind])
    assert {one.fault for one in found} == {kind}, found
    refused, told = faults.judged(found, [kind])
    assert (refused, len(told)) == ([], len(found))
    assert told[0].what == f"accepted ({kind}): {found[0].what}"
    compile_pipeline(_accepting(MANIFESTS[kind], kind), "m")


@pytest.mark.parametrize("kind", ["exit-forgotten", "fact-left", "claim-cached"])
def test_what_is_compiled_is_refused_without_that(kind: str) -> None:
    with pytest.raises(InputError) as error:
        compile_pipeline(_accepting(MANIFESTS[kind], "retry-lost"), "m")
    assert {one.fault for one in error.value.problems} == {kind}
    (accepted,) = identify_pipeline(_accepting(MANIFESTS[kind], kind), "m").warnings
    assert accepted.fault == kind


def test_every_kind_is_one_of_these() -> None:
    assert MANIFESTS.keys() | OF_COMPILED == faults.KINDS.keys()
    manifest = json.loads((schema.SCHEMAS / "pipeline-manifest.schema.json").read_text("utf-8"))
    assert manifest["$defs"]["acceptedFaults"]["items"]["enum"] == list(faults.KINDS)
    assert [*faults.KINDS] == sorted(faults.KINDS)


@pytest.mark.parametrize(
    "body",
    [
        _TASKS % ", resources: {accelerator: {type: NVIDIA_TESLA_P4, limit: 1}}",
        _TASKS % ", after: [nobody]",
        "spec:\n  tasks:\n    each: {loop: {items: []}, tasks: {say: {component: say, arguments: {text: a}}}}\n"
        "    join: {component: join, arguments: {texts: {collect: {task: say, output: said}}}}\n",
        "spec:\n  tasks:\n    data: {importer: {uri: 'mino://b/data', type: Dataset}}\n",
    ],
)  # fmt: skip
def test_what_no_run_can_do_has_no_kind(body: str) -> None:
    assert {one.fault for one in problems(body)} == {""}


def test_a_pipeline_inside_says_nothing_of_it() -> None:
    inner = reader.read(HEAD + _accepted(_TASKS % ""), "inner.yaml")
    (found,) = check.nested_problems(inner)
    assert "a pipeline inside another one says this" in found.what


def _accepted(body: str) -> str:
    return body.replace("spec:\n", "spec:\n  acceptedFaults: [retry-lost]\n", 1)


_IMPORTER = """
components:
  comp-data: {executorLabel: exec-data, outputDefinitions: {artifacts: {artifact: {artifactType: TYPE}}}}
  comp-use: {executorLabel: exec-use, inputDefinitions: {artifacts: {data: {artifactType: TYPE}}}}
  comp-condition-1: {dag: {tasks: {TASKS}}}
deploymentSpec:
  executors:
    exec-data: {importer: {artifactUri: {constant: 's3://b/x'}, typeSchema: TYPE}}
    exec-use: {container: {image: i, command: ["{{$}}"]}}
pipelineInfo: {name: p}
root: {dag: {tasks: {ROOT}}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
""".replace("TYPE", "{schemaTitle: system.Dataset, schemaVersion: 0.0.1}")
_DATA = "data: {componentRef: {name: comp-data}, taskInfo: {name: shown}}"
_USE = (
    "use: {componentRef: {name: comp-use}, taskInfo: {name: use}, dependentTasks: [data], inputs: {artifacts: "
    "{data: {taskOutputArtifact: {producerTask: data, outputArtifactKey: artifact}}}}}"
)
_BRANCH = (
    "condition-1: {componentRef: {name: comp-condition-1}, taskInfo: {name: c}, "
    "triggerPolicy: {condition: 'true'}}"
)


@pytest.mark.parametrize(
    ("root", "branch", "kinds"),
    [
        (f"{_DATA}, {_USE}", _DATA, {"", "importer-name"}),
        (_DATA, _DATA, {"importer-name"}),
        (_BRANCH, f"{_DATA}, {_USE}", {"importer-name"}),
    ],
)
def test_an_importer_under_another_name_fails_who_takes_its_artifact(
    root: str, branch: str, kinds: set[str]
) -> None:
    text = _IMPORTER.replace("TASKS", branch).replace("ROOT", root)
    found = irlint.findings([parse(text, "p.yaml").value])
    assert {one.fault for one in found if "has the display name" in one.what} == kinds


def test_the_way_on_is_told_where_all_of_it_may_be_accepted() -> None:
    one, other = (Problem("m", 1, 1, "a", "b", fault) for fault in ("retry-lost", "claim-raced"))
    assert "`acceptedFaults: [claim-raced, retry-lost]`" in texts.told(InputError([one, other]))
    assert "acceptedFaults" not in texts.told(InputError([one, Problem("m", 1, 1, "c", "d")]))


def test_of_a_kind_the_first_place_is_told_and_how_many_more() -> None:
    told = [Problem("m", line, 1, "a", "b", fault) for line, fault in ((3, "x"), (1, "x"), (2, ""), (4, "y"))]
    found = [(one.line, one.what) for one in faults.once(told)]
    assert found == [(1, "a (and at 1 more)"), (2, "a"), (4, "a")]
