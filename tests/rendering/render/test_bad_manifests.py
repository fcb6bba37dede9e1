"""Templates that render to no sound manifest: exit 2, each with its file and line, and no file changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import BASE, TEMPLATE, Case, rendered
from project import Outcome

CASES = [
    Case(
        "unknown task",
        TEMPLATE,
        "{task: greet, output: greeting}",
        "{task: gret, output: greeting}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:19:15: unknown task 'gret' (rendered for dev: line 19 `text: {task: gret, output: greeting}`); choose one of: count, greet, greet-few, greet-item, greet-many",
        ),
    ),
    Case(
        "unknown output",
        TEMPLATE,
        "{task: greet, output: greeting}",
        "{task: greet, output: text}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:19:15: task 'greet' has no output 'text' (rendered for dev: line 19 `text: {task: greet, output: text}`); choose one of: greeting",
        ),
    ),
    Case(
        "unknown parameter",
        TEMPLATE,
        "name: {param: name}",
        "name: {param: nam}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:15:15: unknown parameter 'nam' (rendered for dev: line 15 `name: {param: nam}`); declare it, or choose one of: name, threshold",
        ),
    ),
    Case(
        "unknown argument",
        TEMPLATE,
        "        text: {task",
        "        txt: {task",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:16:5: task 'count' lacks the argument 'text' (rendered for dev: line 16 `count:`); component 'count_words' needs it: a str",
            "templates/pipelines/hello/pipeline.yaml.j2:19:9: component 'count_words' takes no argument 'txt' (rendered for dev: line 19 `txt: {task: greet, output: greeting}`); choose one of: text",
        ),
    ),
    Case(
        "argument of the wrong type",
        TEMPLATE,
        "arguments: {name: few}",
        "arguments: {name: 5}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:30:31: 5 is not a str (rendered for dev: line 30 `arguments: {name: 5}`); write a str",
        ),
    ),
    Case(
        "parameter of the wrong type",
        TEMPLATE,
        "{task: greet, output: greeting}",
        "{param: threshold}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:19:15: an int is given where 'text' takes a str (rendered for dev: line 19 `text: {param: threshold}`); refer to another output",
        ),
    ),
    Case(
        "default of the wrong type",
        TEMPLATE,
        "type: int, default: {{ values.threshold }}",
        "type: int, default: three",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:10:37: 'three' is not an int (rendered for dev: line 10 `threshold: {type: int, default: three}`); write an int",
        ),
    ),
    Case(
        "the same task id twice",
        TEMPLATE,
        "greet-few:",
        "greet-many:",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:23:9: task id 'greet-many' is used twice (rendered for dev: line 23 `greet-many:`); task ids are unique in the whole pipeline",
            "templates/pipelines/hello/pipeline.yaml.j2:28:11: task id 'greet-many' is used twice (rendered for dev: line 28 `greet-many:`); task ids are unique in the whole pipeline",
        ),
    ),
    Case(
        "output of a task in another branch",
        TEMPLATE,
        "arguments: {name: few}",
        "arguments: {name: {task: greet-many, output: greeting}}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:30:31: task 'greet-many' runs in a group that this is not in (rendered for dev: line 30 `arguments: {name: {task: greet-many, output: greeting}}`); move this into the same branch, or use {oneOf: […]} with an output of each branch",
        ),
    ),
    Case(
        "item of no loop",
        TEMPLATE,
        "arguments: {name: few}",
        "arguments: {name: {item: each}}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:30:31: no loop 'each' is around this (rendered for dev: line 30 `arguments: {name: {item: each}}`); loops around it: none",
        ),
    ),
    Case(
        "tasks that wait for each other",
        TEMPLATE,
        "name: {param: name}",
        "name: {param: name}\n      after: [count]",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:12:5: tasks wait for each other: greet → count (rendered for dev: line 12 `greet:`); break the circle",
        ),
    ),
    Case(
        "five-field cron",
        BASE,
        "'0 0 3 * * 1'",
        "'0 3 * * 1'",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:41:9: cron '0 3 * * 1' has five fields, which KFP reads with seconds first (rendered for dev: line 41 `cron: \"0 3 * * 1\"`); write '0 0 3 * * 1' (seconds first), or '0 3 * * 1 *' for what KFP would do",
        ),
    ),
    Case(
        "concurrency out of range",
        TEMPLATE,
        "maxConcurrency: 1",
        "maxConcurrency: 11",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:43:19: schedules.0.maxConcurrency is 11 (rendered for dev: line 43 `maxConcurrency: 11`); write 10 or less",
        ),
    ),
    Case(
        "catch-up left unsaid",
        TEMPLATE,
        "  catchup: false\n",
        "",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:40:3: schedules.0 lacks 'catchup' (rendered for dev: line 40 `- name: weekly`); add `catchup:` (true: run every missed tick; false: one run after a gap)",
        ),
    ),
    Case(
        "empty loop",
        BASE,
        "[a, b]",
        "[]",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:33:16: the list is empty (rendered for dev: line 33 `items: []`); give at least one item: KFP refuses an empty list",
        ),
    ),
    Case(
        "quote in a condition",
        TEMPLATE,
        "gt: [{task: count, output: words}, {param: threshold}]",
        'eq: [{task: greet, output: greeting}, "it\'s"]',
        (
            'templates/pipelines/hello/pipeline.yaml.j2:21:50: "it\'s" cannot be compared (rendered for dev: line 21 `if: {eq: [{task: greet, output: greeting}, "it\'s"]}`); use a number, true, false, or a text without quotes and backslashes (KFP does not escape them)',
        ),
    ),
    Case(
        "parameter named like a word of Python",
        TEMPLATE,
        "    name: {type: str",
        "    class: {type: str, default: ''}\n    name: {type: str",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:5: parameter 'class' is a word of Python (rendered for dev: line 9 `class: {type: str, default: ''}`); choose another name",
        ),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_is_refused_with_its_position_and_changes_nothing(
    case: Case, repository: Path, command: Callable[..., Outcome]
) -> None:
    outcome, changed = rendered(case, repository, command)
    assert outcome.err.splitlines() == list(case.says)
    assert outcome.code == 2
    assert outcome.out == ""
    assert not changed
