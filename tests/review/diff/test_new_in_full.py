"""All of what is new or gone is told: every row of a task, of a component, of a trigger, of a loop."""

from __future__ import annotations

import json

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


def test_triggers_that_are_new_have_rows() -> None:
    trigger = {
        "name": "on-success",
        "runOn": {"pipeline": "load", "state": "SUCCEEDED"},
        "parameters": {"a": 1},
    }
    found = diff_of(
        Change(Action.CHANGED, Kind.PIPELINE, "p", "triggers", None, [trigger, {**trigger, "name": "two"}])
    )
    printed = in_every_format(found)
    assert "~ pipeline p: triggers: new" in printed["text"]
    assert "[on-success].runOn: pipeline load, state SUCCEEDED" in printed["text"]


def test_every_item_of_a_new_loop_is_told() -> None:
    loop = {"loop": {"items": [f"item-{index}" for index in range(9)], "parallelism": 4}}
    printed = in_every_format(diff_of(Change(Action.ADDED, Kind.LOOP, "each", after=loop)))
    assert "+ loop each (for each of 9 items, 4 at once)" in printed["text"]
    assert all("item-8" in form for form in printed.values())


def test_a_removed_task_has_its_whole_value_in_json() -> None:
    before = nodes.flat({"spec": {"tasks": {"t": {"component": "c", "env": {"A": "b"}}}}})
    (change,) = nodes.changes(before, {})
    assert change.before == {"component": "c", "env": {"A": "b"}}
