"""Changes that run and were once told as «no semantic change», or not at all: each stays told, in every format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from kfp_gitops.review.diff import components, jsonform
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import EnvironmentDiff
from kfp_gitops.review.diff.text import to_text
from states_kit import INSTANT, SCHEDULE, Files, component_of, manifest_of, written


def _objects(*found: Mapping[str, Any]) -> str:
    return "---\n".join(written(each) for each in found)


def _role(namespace: str, verb: str) -> dict[str, Any]:
    about = {"name": "reader", "namespace": namespace}
    return {"kind": "Role", "metadata": about, "rules": [{"verbs": [verb], "resources": ["pods"]}]}


def _job(*items: str) -> dict[str, Any]:
    mounted = {"name": "kfp-gitops-dev-environment", "items": [{"key": key, "path": key} for key in items]}
    volume = {"name": "desired", "projected": {"sources": [{"configMap": mounted}]}}
    return {
        "kind": "Job",
        "metadata": {"name": "apply"},
        "spec": {"template": {"spec": {"volumes": [volume]}}},
    }


def _kustomization(**more: Any) -> dict[str, Any]:
    return {"kind": "Kustomization", "resources": ["access.yaml"], **more}


def _with_input(default: str) -> dict[str, Any]:
    inputs = {"parameters": {"sdkVersion": {"defaultValue": default}}}
    definition = {"executorLabel": "exec-greet", "inputDefinitions": inputs}
    return {**component_of(), "components": {"comp-greet": definition}}


def _graph(constant: str) -> dict[str, Any]:
    """A component that is a graph of two: what its root says, nobody else says."""
    call = {
        "componentRef": {"name": "comp-a"},
        "inputs": {"parameters": {"n": {"runtimeValue": {"constant": constant}}}},
    }
    definitions = {"parameters": {"n": {"parameterType": "STRING"}}}
    return {
        "components": {
            "comp-a": {"executorLabel": "exec-a", "inputDefinitions": definitions},
            "comp-b": {"executorLabel": "exec-b"},
        },
        "root": {"dag": {"tasks": {"a": call, "b": {"componentRef": {"name": "comp-b"}}}}},
    }


def _default(value: Any = ...) -> dict[str, Any]:
    parameter = {"type": "list"} if value is ... else {"type": "list", "default": value}
    return manifest_of(spec={"parameters": {"rows": parameter}})


LONG = "x" * 150
NETWORK = {"kind": "NetworkPolicy", "metadata": {"name": "n"}}
PAUSED = {"pausedUntil": "2027-01-01T00:00:00Z"}
TABLE: dict[str, tuple[Files, Files, str]] = {
    "an image that the kustomization replaces": (
        Files(beside={"kustomization.yaml": _kustomization()}),
        Files(beside={"kustomization.yaml": _kustomization(images=[{"name": "reconciler", "newName": "evil"}])}),
        "delivery kustomization.yaml: images",
    ),
    "a patch in the kustomization": (
        Files(beside={"kustomization.yaml": _kustomization()}),
        Files(beside={"kustomization.yaml": _kustomization(patches=[{"patch": "- op: remove"}])}),
        "- op: remove",
    ),
    "a file that the Job mounts": (
        Files(beside={"apply-job.yaml": _job("environment.yaml")}),
        Files(beside={"apply-job.yaml": _job("environment.yaml", "other.yaml")}),
        "other.yaml",
    ),
    "one of two objects of one name": (
        Files(beside={"access.yaml": _objects(_role("kubeflow", "get"), _role("team", "get"))}),
        Files(beside={"access.yaml": _objects(_role("kubeflow", "*"), _role("team", "get"))}),
        "delivery Role/reader in kubeflow: rules[0].verbs: get → *",
    ),
    "a command that is parted otherwise": (
        Files(component=component_of(args=["a\nb"])),
        Files(component=component_of(args=["a", "b"])),
        "component greet",
    ),
    "a lock of another compiled form": (
        Files(),
        Files(lock={"version": f"sha-{'2' * 20}", "digest": f"sha256:{'2' * 64}"}),
        "pipeline p: digest",
    ),
    "a lock whose digest alone changes": (
        Files(),
        Files(lock={"digest": f"sha256:{'2' * 64}"}),
        "digest",
    ),
    "a parameter that is called sdkVersion": (
        Files(beside={"pipelines/p/own.yaml": {"root": {"sdkVersion": 1}}}),
        Files(beside={"pipelines/p/own.yaml": {"root": {"sdkVersion": 2}}}),
        "own.yaml: [0].root.sdkVersion: 1 → 2",
    ),
    "an input of a component that is called sdkVersion": (
        Files(component=_with_input("1")),
        Files(component=_with_input("2")),
        "component greet: input sdkVersion.defaultValue: 1 → 2",
    ),
    "a constant in the root of a graph": (
        Files(component={**_graph("small"), "description": "one"}),
        Files(component={**_graph("large"), "description": "other"}),
        "root.dag.tasks.a.inputs.parameters.n.runtimeValue.constant: small → large",
    ),
    "a default that becomes an empty list": (
        Files(manifest=_default()), Files(manifest=_default([])), "parameter rows: default: nothing → []",
    ),
    "an empty list that is no default any more": (
        Files(manifest=_default([])), Files(manifest=_default()), "parameter rows: default: [] → nothing",
    ),
    "an empty map in place of none": (
        Files(beside={"network.yaml": {**NETWORK, "spec": {}}}),
        Files(beside={"network.yaml": {**NETWORK, "spec": {"podSelector": {}}}}),
        "delivery NetworkPolicy/n: spec.podSelector: nothing → {}",
    ),
    "a schedule of a paused pipeline that is turned off": (
        Files(manifest=manifest_of(schedules=[SCHEDULE]), entry=PAUSED),
        Files(manifest=manifest_of(schedules=[{**SCHEDULE, "enabled": False}]), entry=PAUSED),
        "schedule daily: enabled: true → false",
    ),
    "a schedule of a paused pipeline at another time": (
        Files(manifest=manifest_of(schedules=[SCHEDULE]), entry=PAUSED),
        Files(manifest=manifest_of(schedules=[{**SCHEDULE, "cron": "0 0 5 * * *"}]), entry=PAUSED),
        "schedule daily: cron: 0 0 4 * * * → 0 0 5 * * *",
    ),
    "an order of tasks that is written otherwise": (
        Files(manifest=manifest_of(spec={"tasks": {"a": {}, "b": {}, "c": {"after": ["a", "b"]}}})),
        Files(manifest=manifest_of(spec={"tasks": {"a": {}, "b": {}, "c": {"after": ["b", "a"]}}})),
        "task c: after: a, b → b, a",
    ),
    "a number of another type": (
        Files(manifest=manifest_of(spec={"parameters": {"n": {"type": "float", "default": 1}}})),
        Files(manifest=manifest_of(spec={"parameters": {"n": {"type": "float", "default": 1.0}}})),
        "parameter n: default: 1 → 1.0",
    ),
    "a null in place of nothing": (
        Files(manifest=_default()), Files(manifest=_default(None)), "spec.parameters.rows.default: added: null",
    ),
    "a second document in a manifest": (
        Files(), Files(manifest=f"{written(manifest_of())}---\nkind: Other\n"),
        'pipelines/p/pipeline.yaml: [1]: added: {"kind": "Other"}',
    ),
    "a pipeline without a name of its own in the list": (
        Files(), Files(beside={"pipelines/stray/pipeline.yaml": manifest_of()}),
        "manifests/dev/pipelines/stray/pipeline.yaml",
    ),
    "a text after the 120th character": (
        Files(manifest=manifest_of(spec={"parameters": {"t": {"default": f"{LONG}a"}}})),
        Files(manifest=manifest_of(spec={"parameters": {"t": {"default": f"{LONG}b"}}})),
        "xa → ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_it_is_told_in_every_format(case: str) -> None:
    before, after, words = TABLE[case]
    found = compare("dev", before.state("HEAD"), after.state("the work tree"), INSTANT)
    assert found.semantic
    printed = to_text(found)
    assert words in printed.replace("\\|", "|")
    assert "no semantic change" not in to_markdown([found]).splitlines()[0]
    assert json.loads(jsonform.to_json([found]))["environments"][0]["semantic"]
    assert not compare("dev", after.state("HEAD"), after.state("the work tree"), INSTANT).semantic


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_what_ends_a_line_for_python_ends_none_of_a_program(character: str) -> None:
    before, after = (component_of(args=[f"one{between}two\nthree"]) for between in ("\n", character))
    (code,) = components.changes({"greet": before}, {"greet": after})
    assert (code.before, code.after) == (["one", "two"], [f"one{character}two"])


def test_an_empty_default_is_a_default() -> None:
    for before, after in (([], None), (["x"], [])):
        states = [Files(manifest=_default(value)).state("s") for value in (before, after)]
        (pipeline,) = compare("dev", *states, INSTANT).pipelines
        assert ("no default any more" in " ".join(pipeline.warnings)) == (after is None)


def test_the_version_of_the_sdk_is_nothing_where_the_same_is_compiled_and_told_where_nobody_knows() -> None:
    old, new = ({**component_of(), "sdkVersion": version} for version in ("kfp-1", "kfp-2"))
    same = compare("dev", Files(component=old).state("a"), Files(component=new).state("b"), INSTANT)
    assert not same.semantic
    unlocked = Files(component=new, lock={"manifest": "sha256:0"})
    told = compare("dev", Files(component=old).state("a"), unlocked.state("b"), INSTANT)
    assert "component greet: sdkVersion: kfp-1 → kfp-2" in to_text(told)


def test_a_new_task_and_a_new_pipeline_are_told_as_a_whole() -> None:
    task = {
        "component": "greet",
        "env": {"LEVEL": "debug"},
        "volumes": {"/data": {"pvc": "claim"}},
        "resources": {"accelerator": {"type": "nvidia.com/gpu", "count": 1}},
        "security": {"runAsUser": 0},
    }
    trigger = {"name": "smoke", "runOn": "change", "parameters": {"n": 1}}
    new = Files(manifest=manifest_of(spec={"tasks": {"two": task}}, schedules=[SCHEDULE], triggers=[trigger]))
    for before in (Files(), Files(pipeline=False)):
        found = compare("dev", before.state("a"), new.state("b"), INSTANT)
        printed, data = to_text(found), jsonform.to_json([found])
        for words in ("debug", "claim", "nvidia.com/gpu", "runAsUser", "0 0 4 * * *", "smoke"):
            assert words in printed, words
            assert words in data, words
    assert "i@sha256:1" in printed


def test_lines_of_code_after_forty_removed_ones_are_shown() -> None:
    gone = "\n".join(f"old {number}" for number in range(60))
    before, after = (Files(component=component_of(args=[text])) for text in (f"{gone}\nlast", "evil\nlast"))
    found = compare("dev", before.state("a"), after.state("b"), INSTANT)
    assert "+evil" in to_markdown([found])
    assert "evil" in to_text(found)


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_runs_that_merging_starts_are_told(form: str) -> None:
    trigger = {"name": "smoke", "runOn": "change", "parameters": {"n": 1}}
    with_trigger = manifest_of(triggers=[trigger])
    locked = {"version": f"sha-{'2' * 20}", "digest": f"sha256:{'2' * 64}"}
    old = Files(manifest=with_trigger)
    cases = {
        "a new release": (
            old,
            Files(manifest=with_trigger, lock=locked, entry={"release": "sha256:2"}),
            True,
        ),
        "a new pipeline": (Files(pipeline=False), old, True),
        "other values of the same release": (old, Files(manifest=with_trigger, lock=locked), False),
        "a pause": (
            old,
            Files(manifest=with_trigger, lock=locked, entry={"release": "sha256:2", **PAUSED}),
            False,
        ),
    }
    for name, (before, after, starts) in cases.items():
        found = compare("dev", before.state("a"), after.state("b"), INSTANT)
        (pipeline,) = found.pipelines
        assert [run.trigger for run in pipeline.runs_started] == (["smoke"] if starts else []), name
        if starts:
            assert _says_run(form, found), name


def _says_run(form: str, found: EnvironmentDiff) -> bool:
    if form == "json":
        data = json.loads(jsonform.to_json([found]))
        return bool(
            data["environments"][0]["pipelines"][0]["runsStarted"]
            == [{"trigger": "smoke", "parameters": {"n": 1}}]
        )
    printed = to_text(found) if form == "text" else to_markdown([found])
    return "merging starts a run" in printed and "smoke" in printed
