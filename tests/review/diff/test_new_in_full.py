"""All of what is new or gone is told: every row of a task, of a component, of a trigger, of a loop."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kfp_gitops.review.diff import nodes
from kfp_gitops.review.diff.model import Action, Change, Kind
from words_kit import diff_of, in_every_format

NEW_TASK = {
    "component": "train",
    "arguments": {"rows": {"task": "load", "output": "rows"}, "text": "x" * 1000},
    "env": {"LEVEL": "debug", "TOKEN": {"secret": "registry", "key": "token"}, "POD": {"field": "metadata.name"}},
    "volumes": {"/data": {"pvc": "shared", "subPath": "a"}, "/keys": {"secret": "keys", "optional": True}},
    "resources": {"memory": {"limit": "1Gi"}, "accelerator": {"type": "nvidia.com/gpu", "limit": 1}},
    "securityContext": {"runAsUser": 0, "runAsGroup": 0},
    "placement": {"tolerations": [{"key": "gpu", "operator": "Exists"}], "nodeSelector": {"disk": "ssd"}},
    "pod": {"labels": {"team": "growth"}},
    "image": {"pullSecrets": ["registry"]},
    "retry": {"count": 3},
    "cache": False,
    "timeoutSeconds": 60,
    "in": ["each"],
}  # fmt: skip
SAID = [
    "arguments.rows: load.rows",
    "env.LEVEL: debug",
    "env.TOKEN: secret registry, key token",
    "env.POD: field metadata.name",
    "volumes./data: pvc shared, subPath a",
    "volumes./keys: secret keys, optional true",
    "resources.memory: limit 1Gi",
    "resources.accelerator: type nvidia.com/gpu, limit 1",
    "securityContext: runAsUser 0, runAsGroup 0",
    "placement.tolerations[0]: key gpu, operator Exists",
    "placement.nodeSelector: disk ssd",
    "pod.labels.team: growth",
    "image: pullSecrets registry",
    "retry: count 3",
    "cache: false",
    "timeoutSeconds: 60",
]


def test_all_of_a_new_task_is_told() -> None:
    printed = in_every_format(diff_of(Change(Action.ADDED, Kind.TASK, "t", after=NEW_TASK)))
    lines = [line.strip() for line in printed["text"].splitlines()]
    assert "+ task t (component: train, in: each)" in lines
    assert [line for line in SAID if line not in lines] == []
    assert f"arguments.text: {'x' * 400}… 600 more characters" in lines
    (change,) = json.loads(printed["json"])["environments"][0]["pipelines"][0]["changes"]
    assert set(SAID) <= set(change["details"])
    assert change["after"] == NEW_TASK
    for said in SAID:
        field, _, value = said.partition(": ")
        assert f"| | · `{field}` | | `{value}` |" in printed["markdown"]
    assert "x" * 1000 in printed["markdown"]


SPEC = {
    "components": {
        "comp-c": {
            "executorLabel": "exec-c",
            "inputDefinitions": {"parameters": {"rows": {"parameterType": "STRING"}}},
        }
    },
    "deploymentSpec": {
        "executors": {
            "exec-c": {
                "container": {
                    "image": "example.com/c:1",
                    "command": ["sh", "-c", "first\nsecond"],
                    "args": ["--x", {"IfPresent": {"InputName": "rows", "Then": ["--rows"]}}],
                    "env": [{"name": "TOKEN", "value": "x"}],
                }
            }
        }
    },
    "root": {"dag": {"tasks": {"c": {"cachingOptions": {}, "componentRef": {"name": "comp-c"}}}}},
}


def test_all_of_a_new_component_is_told() -> None:
    printed = in_every_format(diff_of(Change(Action.ADDED, Kind.COMPONENT, "c", after=SPEC)))
    assert printed["text"].splitlines()[2:-1] == [
        "  + component c (image: example.com/c:1)",
        "      components.comp-c.executorLabel: exec-c",
        "      input rows: parameterType STRING",
        "      env[TOKEN]: name TOKEN, value x",
        "      root.dag.tasks.c.cachingOptions: {}",
        "      root.dag.tasks.c.componentRef: name comp-c",
        "      +sh",
        "      +-c",
        "      +first",
        "      +second",
        "      +--x",
        '      +{"IfPresent": {"InputName": "rows", "Then": ["--rows"]}}',
    ]
    assert "<summary>code of c</summary>\n\n```diff\n+sh\n" in printed["markdown"]
    assert "| | · `input rows` | | `parameterType STRING` |" in printed["markdown"]


def test_rows_of_what_is_new_that_are_too_many_are_counted() -> None:
    env = {f"V{index}": "x" for index in range(1250)}
    printed = in_every_format(
        diff_of(Change(Action.ADDED, Kind.TASK, "t", after={"component": "c", "env": env}))
    )
    assert "…: 1,050 more, see the file" in printed["text"]


AFTER = {
    "name": "on-success",
    "runOn": {"pipeline": "load", "state": "FAILED", "versions": "any"},
    "parameters": {"a": 1, "model": {"output": "train.model"}, "day": {"run": "scheduledTime"}},
    "onlyWithin": {"from": "06:00", "to": "20:00", "days": ["mon", "fri"]},
    "onMissed": "run",
    "maxConcurrency": 3,
    "enabled": False,
}


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ({"name": "t", "runOn": "change"}, "+ trigger t (when a release is new)"),
        ({"name": "t", "runOn": {"pipeline": "load"}}, "+ trigger t (after each run of load that succeeded)"),
        (
            {"name": "t", "runOn": {"pipeline": "load"}, "parameters": {"m": {"output": "train.model"}}},
            "+ trigger t (after each run of load that succeeded, m: train.model of that run)",
        ),
        (
            {"name": "t", "runOn": {"data": {"uri": "s3://l/a/", "changes": "newest-key"}}, "enabled": False},
            "+ trigger t (when another key under s3://l/a/ is the newest, off)",
        ),
        (
            {"name": "t", "runOn": {"pipeline": "load"}, "onlyWithin": {"days": ["sat", "sun"]}},
            "+ trigger t (after each run of load that succeeded, only on sat, sun UTC)",
        ),
        ({"name": "t", "runOn": "noon", "x": 1}, "+ trigger t (runOn: noon, x: 1)"),
    ],
)
def test_a_new_trigger_says_when_it_starts_a_run_and_with_what(trigger: dict[str, Any], said: str) -> None:
    printed = in_every_format(diff_of(Change(Action.ADDED, Kind.TRIGGER, "t", after=trigger)))
    assert said in printed["text"]


def test_a_trigger_that_says_much_has_rows() -> None:
    printed = in_every_format(diff_of(Change(Action.ADDED, Kind.TRIGGER, "on-success", after=AFTER)))
    assert "+ trigger on-success (after each run of load that failed, of any version)" in printed["text"]
    for said in ("parameters.model: output train.model", "onlyWithin.from: 06:00", "enabled: false"):
        assert said in printed["text"]


def test_every_item_of_a_new_loop_is_told() -> None:
    loop = {"loop": {"items": [f"item-{index}" for index in range(9)], "parallelism": 4}}
    printed = in_every_format(diff_of(Change(Action.ADDED, Kind.LOOP, "each", after=loop)))
    assert "+ loop each (for each of 9 items, 4 at once)" in printed["text"]
    assert all("item-8" in form for form in printed.values())


def test_a_removed_task_has_its_whole_value_in_json() -> None:
    before = nodes.flat({"spec": {"tasks": {"t": {"component": "c", "env": {"A": "b"}}}}})
    (change,) = nodes.changes(before, {})
    assert change.before == {"component": "c", "env": {"A": "b"}}
