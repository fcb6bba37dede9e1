"""Templates that do not render: exit 2, each with its file and line, and no file changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import TEMPLATE, Case, rendered
from project import Outcome

CASES = [
    Case(
        "unknown component",
        TEMPLATE,
        "component: count_words",
        "component: count_word",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:17:1: unknown component 'count_word'; create components/count_word/component.yaml, or correct the name",
        ),
    ),
    Case(
        "component name from a value",
        TEMPLATE,
        "component: count_words",
        "component: {{ 'count_' ~ 'words' }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:17:18: component 'count_words' does not stand literally in the template (rendered for dev: line 17 `component: count_words`); write its name without Jinja, or choose one of: greet",
        ),
    ),
    Case(
        "undefined variable",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ values.nme | tojson }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: 'dict object' has no attribute 'nme'; define it in values.yaml or base.yaml, or correct the name; braces that are text stand between {% raw %} and {% endraw %}",
        ),
    ),
    Case(
        "undefined name",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ valus.name }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: 'valus' is undefined; define it in values.yaml or base.yaml, or correct the name; braces that are text stand between {% raw %} and {% endraw %}",
        ),
    ),
    Case(
        "syntax error of the template",
        TEMPLATE,
        "{{ values.threshold }}",
        "{{ values.threshold }",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:11:8: not YAML: did not find expected ',' or '}' (rendered for dev: line 11 `tasks:`); correct the syntax here or just above",
        ),
    ),
    Case(
        "unknown filter",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ values.name | attr('x') }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: No filter named 'attr'; correct the template's syntax; braces that are text stand between {% raw %} and {% endraw %}",
        ),
    ),
    Case(
        "template that reaches for a class",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ ''.__class__.__mro__ }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: access to attribute '__class__' of 'str' object is unsafe; templates read values; they run no code and reach no attributes",
        ),
    ),
    Case(
        "template that reaches for globals",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ cycler.__init__.__globals__ }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: access to attribute '__init__' of 'StrictUndefined' object is unsafe; templates read values; they run no code and reach no attributes",
        ),
    ),
    Case(
        "template that includes a file outside",
        TEMPLATE,
        "apiVersion: kfp",
        "{% include '../../../environments/base.yaml' %}\napiVersion: kfp",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:1:1: template: there is no template '../../../environments/base.yaml' in its folder; include templates of the same folder only",
        ),
    ),
    Case(
        "template that includes an absolute path",
        TEMPLATE,
        "apiVersion: kfp",
        "{% include '/etc/passwd' %}\napiVersion: kfp",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:1:1: template: there is no template '/etc/passwd' in its folder; include templates of the same folder only",
        ),
    ),
    Case(
        "template that blows up memory",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{{ 'x' * 1000000000 }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: * is allowed between two numbers only, and ** nowhere; templates read values; they run no code and reach no attributes",
        ),
    ),
    Case(
        "template that loops for ever",
        TEMPLATE,
        "{{ values.name | tojson }}",
        "{% for i in range(1000000000) %}x{% endfor %}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:9:1: template: Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000); correct the expression",
        ),
    ),
    Case(
        "division by zero",
        TEMPLATE,
        "{{ values.threshold }}",
        "{{ 1 / 0 }}",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:10:1: template: division by zero; correct the expression",
        ),
    ),
    Case(
        "result is not YAML",
        TEMPLATE,
        "  tasks:\n    greet:",
        "  tasks: [\n    greet:",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:13:16: not YAML: did not find expected ',' or ']' (rendered for dev: line 13 `component: greet`); correct the syntax here or just above",
        ),
    ),
    Case(
        "result with an unknown key",
        TEMPLATE,
        "  description: Greets",
        "  descripton: x\n  description: Greets",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:5:3: unknown key 'metadata.descripton' (rendered for dev: line 5 `descripton: x`); did you mean 'description'?",
        ),
    ),
    Case(
        "result without an owner",
        TEMPLATE,
        "  owner: tests\n",
        "",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:4:3: metadata lacks 'owner' (rendered for dev: line 4 `name: hello`); add `owner:` (the team that is asked when it fails), such as `owner: team-growth`",
        ),
    ),
    Case(
        "name that is not the pipeline's",
        TEMPLATE,
        "name: {{ pipeline }}",
        "name: other",
        (
            "templates/pipelines/hello/pipeline.yaml.j2:4:9: the name is 'other' (rendered for dev: line 4 `name: other`); write 'hello'",
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
