"""How far a change reaches: what is a mere setting, what changes results, and what breaks those who use it by name."""

from __future__ import annotations

from typing import Any

import pytest
from kfp_gitops.base.yamldump import dump
from kfp_gitops.review.diff.category import category
from kfp_gitops.review.diff.interface import broken
from kfp_gitops.review.diff.model import Category
from kfp_gitops.review.diff.state import Entry, PipelineFiles

ENTRY = Entry({}, "sha256:1", "sha-1", None)
EXECUTOR = {
    "image": "a@sha256:1",
    "command": ["run"],
    "resources": {"resourceCpuLimit": "1", "cpuLimit": 1.0},
}
SPEC: dict[str, Any] = {
    "components": {
        "comp-step": {
            "executorLabel": "exec",
            "inputDefinitions": {"parameters": {"x": {"parameterType": "STRING"}}},
            "outputDefinitions": {"artifacts": {"model": {"artifactType": {"schemaTitle": "system.Model"}}}},
        }
    },
    "deploymentSpec": {"executors": {"exec": {"container": EXECUTOR}}},
    "root": {
        "dag": {
            "tasks": {"step": {"componentRef": {"name": "comp-step"}, "retryPolicy": {"maxRetryCount": 1}}}
        }
    },
    "sdkVersion": "kfp-2.17.0",
}
MANIFEST: dict[str, Any] = {
    "apiVersion": "kfp-gitops/v1",
    "kind": "PipelineManifest",
    "metadata": {"name": "p", "description": "text", "owner": "tests"},
    "spec": {
        "parameters": {"rows": {"type": "int", "default": 3}, "name": {"type": "str", "default": "a"}},
        "tasks": {
            "one": {
                "component": "step",
                "arguments": {"x": {"param": "name"}},
                "resources": {"cpu": {"limit": "1"}, "accelerator": {"type": "nvidia.com/gpu", "limit": 1}},
                "retry": {"count": 1},
                "pod": {"labels": {"team": "a"}},
                "env": {"LEVEL": "info"},
                "cache": False,
            },
            "when": {
                "if": {"eq": [{"param": "rows"}, 3]},
                "tasks": {"inside": {"component": "step", "displayName": "b"}},
            },
        },
        "outputs": {"model": {"task": "one", "output": "model"}},
    },
    "schedules": [
        {
            "name": "daily",
            "cron": "0 0 3 * * *",
            "enabled": True,
            "parameters": {"rows": 4},
            "maxConcurrency": 1,
        }
    ],
}


def _files(manifest: Any = MANIFEST, spec: Any = SPEC, **more: str) -> PipelineFiles:
    return PipelineFiles("x", {"pipeline.yaml": dump(manifest), "components/step.yaml": dump(spec), **more})


def _with(document: Any, place: str, value: Any) -> Any:
    """The document with another value at a dotted place; None takes it out."""
    key, _, rest = place.partition("/")
    if isinstance(document, list):
        return [
            _with(item, rest, value) if str(index) == key else item for index, item in enumerate(document)
        ]
    if rest:
        return {**document, key: _with(document.get(key, {}), rest, value)}
    left = {name: item for name, item in document.items() if name != key}
    return left if value is None else {**left, key: value}


def _of(before: PipelineFiles, after: PipelineFiles, old: Entry | None, new: Entry | None) -> Category:
    return category(before, after, old, new, broken(before, after))


def _category(after: PipelineFiles) -> Category:
    return _of(_files(), after, ENTRY, ENTRY)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("metadata/description", "other"),
        ("metadata/owner", "others"),
        ("spec/parameters/rows/description", "how many"),
        ("spec/tasks/one/resources/cpu/limit", "2"),
        ("spec/tasks/one/resources/memory", {"limit": "1Gi"}),
        ("spec/tasks/one/retry/count", 5),
        ("spec/tasks/one/retry", None),
        ("spec/tasks/one/pod/labels/team", "b"),
        ("spec/tasks/one/pod", None),
        ("spec/tasks/one/displayName", "One"),
        ("spec/tasks/when/tasks/inside/displayName", "Inside"),
        ("spec/tasks/when/tasks/inside/resources", {"cpu": {"limit": "1"}}),
        ("schedules/0/cron", "0 0 4 * * *"),
        ("schedules/0/end", "2030-01-01T00:00:00Z"),
    ],
)
def test_a_setting_changes_no_result(place: str, value: Any) -> None:
    assert _category(_files(_with(MANIFEST, place, value))) is Category.SETTINGS


def test_what_is_promised_changes_nothing_that_runs_and_is_a_category_of_its_own() -> None:
    promising = _files(_with(MANIFEST, "slo", {"fresh": "26h"}))
    assert _category(promising) is Category.PROMISES
    assert _of(promising, _files(), ENTRY, ENTRY) is Category.PROMISES
    looser = _with(_with(MANIFEST, "slo", {"fresh": "48h"}), "schedules/0/cron", "0 0 4 * * *")
    assert _of(promising, _files(looser), ENTRY, ENTRY) is Category.SETTINGS
    paused = Entry({}, "sha256:1", "sha-1", None, paused_until="2030-01-01T00:00:00Z")
    assert _of(promising, _files(), ENTRY, paused) is Category.RESULTS


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("spec/parameters/rows/default", 4),
        ("spec/parameters/more", {"type": "str", "default": "x"}),
        ("spec/tasks/one/arguments/x", "b"),
        ("spec/tasks/one/component", "other"),
        ("spec/tasks/one/env/LEVEL", "debug"),
        ("spec/tasks/one/pod/annotations", {"sidecar.istio.io/inject": "false"}),
        ("spec/tasks/one/cache", True),
        ("spec/tasks/one/resources/accelerator/limit", 2),
        ("spec/tasks/one/after", ["when"]),
        ("spec/tasks/one/what-nobody-knows", 1),
        ("spec/tasks/when/if", {"eq": [{"param": "rows"}, 4]}),
        ("spec/tasks/when/tasks/inside/arguments", {"x": "b"}),
        ("spec/tasks/more", {"component": "step"}),
        ("spec/outputs/second", {"task": "one", "output": "model"}),
        ("spec/pipelineRoot", "s3://b/root"),
        ("schedules/0/enabled", False),
        ("schedules/0/parameters/rows", 5),
        ("schedules/0/maxConcurrency", 2),
        ("schedules", []),
        ("triggers", [{"name": "t", "runOn": "change"}]),
    ],
)
def test_what_is_not_known_to_be_a_setting_changes_results(place: str, value: Any) -> None:
    assert _category(_files(_with(MANIFEST, place, value))) is Category.RESULTS


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        ("spec/parameters/rows", None, "rows is no parameter any more"),
        ("spec/parameters/rows/type", "float", "rows: int → float"),
        ("spec/parameters/rows/default", None, "rows must be given"),
        ("spec/parameters/more", {"type": "str"}, "more must be given"),
        ("spec/outputs/model", None, "model is no output any more"),
    ],
)
def test_what_somebody_uses_by_name_breaks_them(place: str, value: Any, says: str) -> None:
    after = _files(_with(MANIFEST, place, value))
    assert _category(after) is Category.INTERFACE
    assert broken(_files(), after) == [says]


def test_another_type_of_an_output_breaks_who_reads_it() -> None:
    place = "components/comp-step/outputDefinitions/artifacts/model/artifactType/schemaTitle"
    after = _files(spec=_with(SPEC, place, "system.Dataset"))
    assert broken(_files(), after) == ["output model: system.Model → system.Dataset"]
    assert _category(after) is Category.INTERFACE


@pytest.mark.parametrize(
    "value",
    [
        {"value": {"task": "one", "output": "model"}, "description": "the model"},
        {"value": {"task": "when", "output": "chosen"}},
    ],
)
def test_an_output_is_of_its_type_however_it_is_said(value: Any) -> None:
    chosen = {
        "chosen": {"oneOf": [{"task": "one", "output": "model"}, {"task": "inside", "output": "model"}]}
    }
    before = _with(MANIFEST, "spec/tasks/when/outputs", chosen)
    after = _with(before, "spec/outputs/model", value)
    assert broken(_files(before), _files(after)) == []
    place = "components/comp-step/outputDefinitions/artifacts/model/artifactType/schemaTitle"
    assert _of(_files(before), _files(after), ENTRY, ENTRY) is (
        Category.SETTINGS if "description" in value else Category.RESULTS
    )
    other = _files(after, _with(SPEC, place, "system.Dataset"))
    assert broken(_files(before), other) == ["output model: system.Model → system.Dataset"]


@pytest.mark.parametrize(
    ("place", "value", "wanted"),
    [
        ("sdkVersion", "kfp-2.18.0", Category.SETTINGS),
        ("deploymentSpec/executors/exec/container/resources/resourceCpuLimit", "2", Category.SETTINGS),
        ("root/dag/tasks/step/retryPolicy", None, Category.SETTINGS),
        (
            "deploymentSpec/executors/exec/container/resources/accelerator",
            {"resourceCount": "1"},
            Category.RESULTS,
        ),
        ("deploymentSpec/executors/exec/container/image", "a@sha256:2", Category.RESULTS),
        ("deploymentSpec/executors/exec/container/command", ["run", "fast"], Category.RESULTS),
        ("root/dag/tasks/step/cachingOptions", {"enableCache": True}, Category.RESULTS),
    ],
)
def test_a_component_s_spec_is_read_like_a_manifest(place: str, value: Any, wanted: Category) -> None:
    assert _category(_files(spec=_with(SPEC, place, value))) is wanted


def test_a_compiled_pipeline_has_the_interface_that_it_was_compiled_with() -> None:
    manifest = {**MANIFEST, "spec": {"ir": "own.yaml"}}
    root = {
        "dag": {"tasks": {}},
        "inputDefinitions": {"parameters": {"n": {"parameterType": "STRING", "isOptional": True}}},
    }
    before = _files(manifest, **{"own.yaml": dump({"root": root})})
    for change, wanted in (
        ({}, Category.INTERFACE),
        ({"n": {"parameterType": "STRING", "isOptional": True, "description": "x"}}, Category.RESULTS),
        ({"n": {"parameterType": "STRING"}}, Category.INTERFACE),
    ):
        changed = {**root, "inputDefinitions": {"parameters": change}}
        after = _files(manifest, **{"own.yaml": dump({"root": changed})})
        assert _of(before, after, ENTRY, ENTRY) is wanted, change


def test_a_pipeline_inside_breaks_by_its_own_interface() -> None:
    inner = {**MANIFEST, "metadata": {**MANIFEST["metadata"], "name": "inner"}}
    before = _files(**{"pipelines/inner.yaml": dump(inner)})
    after = _files(**{"pipelines/inner.yaml": dump(_with(inner, "spec/parameters/rows", None))})
    assert broken(before, after) == ["inner › rows is no parameter any more"]


def test_what_is_written_otherwise_is_no_change() -> None:
    text = _files().texts["pipeline.yaml"]
    after = PipelineFiles("y", {**_files().texts, "pipeline.yaml": f"# a comment\n{text}"})
    assert _category(after) is Category.NONE


def test_one_that_comes_changes_results_and_one_that_goes_breaks_its_users() -> None:
    nothing = PipelineFiles("x", {})
    assert _of(nothing, _files(), None, ENTRY) is Category.RESULTS
    assert _of(_files(), nothing, ENTRY, None) is Category.INTERFACE
    assert _of(_files(), _files(), ENTRY, Entry({"state": "paused"}, None, None, None)) is Category.SETTINGS


def test_a_pause_that_ends_is_no_mere_setting() -> None:
    """What turns schedules on is none, whether it is `enabled` or the pause of the whole pipeline."""
    until = "2030-01-01T00:00:00Z"
    paused = Entry({"pausedUntil": until}, None, None, None, None, until)
    assert _of(_files(), _files(), paused, ENTRY) is Category.RESULTS


def test_so_does_a_compiled_one_that_a_task_runs() -> None:
    def with_input(name: str) -> PipelineFiles:
        declared = {"parameters": {name: {"parameterType": "STRING"}}}
        return _files(**{"inner.yaml": dump({"root": {"dag": {"tasks": {}}, "inputDefinitions": declared}})})

    assert broken(with_input("rows"), with_input("lines")) == [
        "inner › lines must be given",
        "inner › rows is no parameter any more",
    ]
