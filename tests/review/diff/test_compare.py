"""The comparison itself, on texts: what no rendered repository of the other tests happens to have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kfp_gitops.rendering.rendered import identity
from kfp_gitops.review.diff import components, wording
from kfp_gitops.review.diff.calendar import calendar
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.fields import differences
from kfp_gitops.review.diff.model import EnvironmentDiff
from kfp_gitops.review.diff.state import State
from kfp_gitops.review.diff.text import to_text

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ENVIRONMENT = """
apiVersion: kfp-gitops/v1alpha1
kind: Environment
repository: example-repository
environment: dev
kfp: {host: 'http://kfp', namespace: ''}
pipelines: [{name: p, release: 'sha256:1'}]
"""
LOCK = "pipelines: {{p: {{version: sha-1, digest: 'sha256:1', manifest: '{digest}'}}}}\n"


def _manifest(tasks: str, more: str = "", version: str = "v1") -> str:
    return f"""
apiVersion: kfp-gitops/{version}
kind: PipelineManifest
metadata: {{name: p, description: text, owner: tests}}
spec:
  tasks: {tasks}
{more}"""


def _state(name: str, manifest: str, **files: str) -> State:
    inner = {f"pipelines/p/{path.replace('__', '/')}.yaml": text for path, text in files.items()}
    texts = {"pipelines/p/pipeline.yaml": manifest, **inner}
    lock = LOCK.format(digest=identity(texts.items()))
    return State(name, {"environment.yaml": ENVIRONMENT, "versions.lock.yaml": lock, **texts})


def _compare(before: State, after: State) -> EnvironmentDiff:
    return compare("dev", before, after, NOW)


def _words(before: State, after: State) -> list[str]:
    return [
        wording.change(item) for pipeline in _compare(before, after).pipelines for item in pipeline.changes
    ]


def test_a_pipeline_inside_a_pipeline_is_compared_like_one() -> None:
    outer = _manifest("{run-it: {pipeline: inner, arguments: {n: 1}}}")
    before = _state("a", outer, pipelines__inner=_manifest("{one: {component: greet, arguments: {name: x}}}"))
    after = _state("b", outer, pipelines__inner=_manifest("{one: {component: greet, arguments: {name: y}}}"))
    assert _words(before, after) == ["task inner › one: arguments.name: x → y"]


def test_a_new_version_of_the_language_alone_is_no_change() -> None:
    old = _manifest(
        "{one: {component: greet, arguments: {name: {artifact: x, more: 1}}}}", version="v1alpha1"
    )
    new = _manifest("{one: {component: greet, arguments: {name: {literal: {artifact: x, more: 1}}}}}")
    found = _compare(_state("a", old), _state("b", new))
    assert not found.semantic
    assert "only the writing differs" in found.pipelines[0].noise[0]


def test_a_compiled_pipeline_that_was_brought_is_compared_by_field_and_not_by_sdk() -> None:
    outer = _manifest("{}").replace("tasks: {}", "ir: own.ir.yaml")
    before = _state(
        "a", outer, **{"own.ir": "root: {dag: {tasks: {a: {cachingOptions: {}}}}}\nsdkVersion: kfp-1\n"}
    )
    after = _state(
        "b", outer, **{"own.ir": "root: {dag: {tasks: {b: {cachingOptions: {}}}}}\nsdkVersion: kfp-2\n"}
    )
    assert _words(before, after) == [
        'pipeline p: own.ir.yaml: [0].root.dag.tasks.a: {"cachingOptions": {}} → nothing',
        'pipeline p: own.ir.yaml: [0].root.dag.tasks.b: nothing → {"cachingOptions": {}}',
    ]


def _compiled(inputs: dict[str, Any], shell: dict[str, Any]) -> dict[str, Any]:
    """A component as the SDK compiles it: the step, and a root around it."""
    passed = {name: {"componentInputParameter": name} for name in shell}
    task = {"componentRef": {"name": "comp-c"}, "inputs": {"parameters": passed}}
    return {
        "components": {"comp-c": {"executorLabel": "exec-c", "inputDefinitions": {"parameters": inputs}}},
        "root": {"dag": {"tasks": {"c": task}}, "inputDefinitions": {"parameters": shell}},
    }


def test_a_compiled_component_is_told_once_not_again_by_the_shell_around_its_step() -> None:
    one, other = {"a": {"parameterType": "STRING"}}, {"b": {"parameterType": "STRING"}}
    found = components.changes({"c": _compiled(one, one)}, {"c": _compiled(other, other)})
    assert [change.field for change in found] == ["input a", "input b"]
    alone = components.changes({"c": _compiled(one, {})}, {"c": _compiled(one, {"b": {}})})
    assert [change.field for change in alone]


def test_every_kind_of_reference_has_words() -> None:
    forms = {
        "parameter n": {"param": "n"},
        "artifact a": {"artifact": "a"},
        "t.o": {"task": "t", "output": "o"},
        "item of l": {"item": "l"},
        "item of l.f": {"item": "l", "field": "f"},
        "all t.o": {"collect": {"task": "t", "output": "o"}},
        "one of t.o, u.o": {"oneOf": [{"task": "t", "output": "o"}, {"task": "u", "output": "o"}]},
        "x- + parameter n": {"concat": ["x-", {"param": "n"}]},
        "run id": {"run": "id"},
    }
    assert {wording.value(form): form for form in forms.values()} == forms


def test_true_is_not_one_and_order_of_keys_is_nothing() -> None:
    assert [*differences({"a": True}, {"a": 1})] == [("a", True, 1)]
    assert [*differences({"a": 1, "b": 2}, {"b": 2, "a": 1})] == []


def test_what_only_looks_the_same_differs() -> None:
    assert [*differences({"a": 1}, {"a": 1.0})] == [("a", 1, 1.0)]
    assert [*differences({"after": ["x", "y"]}, {"after": ["y", "x"]})] == [("after", ["x", "y"], ["y", "x"])]
    for empty in ({}, []):
        assert [*differences({"a": empty}, {})] == [("a", empty, None)]
        assert [*differences({}, {"a": empty})] == [("a", None, empty)]
        assert [*differences({"a": empty}, {"a": ["x"]})] == [("a", empty, ["x"])]


def test_containers_are_paired_by_name() -> None:
    before = {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}
    after = {"containers": [{"name": "b", "image": "2"}, {"name": "a", "image": "1"}]}
    assert [*differences(before, after)] == [
        ("containers[b].image", "1", "2"),
        ("containers[order]", ["a", "b"], ["b", "a"]),
    ]


SCHEDULES = (
    "schedules: [{name: daily, cron: '0 0 4 * * *', enabled: true, maxConcurrency: 1, catchup: false}]"
)
DAYS = ("Thu 2026-11-26", "Fri 2026-11-27", "Sat 2026-11-28", "Sun 2026-11-29")
PAUSED = "pausedUntil: '2026-12-01T06:00:00Z'"


def _paused(state: State, until: str = PAUSED) -> State:
    texts = {**state.texts, "environment.yaml": ENVIRONMENT.replace("name: p,", f"name: p, {until},")}
    return State(state.name, texts)


def test_a_pause_switches_schedules_off_and_its_end_makes_them_anew() -> None:
    on = _state("a", _manifest("{}", SCHEDULES))
    pause = _compare(on, _paused(on))
    assert to_text(pause).splitlines()[1:] == [
        "category results: p",
        "~ p: same version sha-1",
        "  ~ pipeline p: pausedUntil: nothing → 2026-12-01T06:00:00Z",
        "  ~ schedule daily: enabled: true → false",
        "    daily was to fire Wed 2026-11-25 04:00:00 UTC",
        *(f"                      {day} 04:00:00 UTC" for day in DAYS),
        "    daily fires never",
        "    daily: it is disabled: nothing fires",
        "1 schedule switched off",
    ]
    (end,) = _compare(_paused(on), on).pipelines
    assert (end.replaced, end.switched_off) == (["daily"], [])


def test_a_pause_that_is_over_and_a_pause_of_what_is_off_change_no_firing() -> None:
    on = _state("a", _manifest("{}", SCHEDULES))
    over = _compare(on, _paused(on, "pausedUntil: '2026-11-01T06:00:00Z'"))
    assert (over.pipelines[0].switched_off, over.pipelines[0].firings) == ([], [])
    off = _state("a", _manifest("{}", SCHEDULES.replace("true", "false")))
    assert wording.radius(_compare(off, _paused(off))) == "nothing that runs changes"


def test_a_schedule_that_is_switched_off_is_in_the_sum() -> None:
    on, off = (_state("a", _manifest("{}", SCHEDULES.replace("true", value))) for value in ("true", "false"))
    assert wording.radius(_compare(on, off)) == "1 schedule switched off"


def test_the_calendar_knows_of_a_pause() -> None:
    on = _state("a", _manifest("{}", SCHEDULES))
    (entry,) = calendar("dev", "UTC", _paused(on).manifests(NOW), NOW).entries
    assert (entry.enabled, entry.firings) == (False, [])
    assert len(calendar("dev", "UTC", on.manifests(NOW), NOW).entries[0].firings) == 7


def test_a_lock_of_another_manifest_names_no_version() -> None:
    before = _state("a", _manifest("{}", "schedules: []"))
    new = _state("b", _manifest("{one: {component: greet, arguments: {name: x}}}"))
    late = State("b", {**new.texts, "versions.lock.yaml": before.texts["versions.lock.yaml"]})
    lines = to_text(_compare(before, late)).splitlines()
    assert lines[2:4] == [
        "~ p: version sha-1 → not locked yet",
        "  ! the lock has no version of these files: run `python scripts/render.py --all --lock`",
    ]
    assert lines[-1] == "1 pipeline not locked yet"
