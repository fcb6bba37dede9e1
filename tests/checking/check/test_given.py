"""What a run is given by hand is judged like what a schedule or trigger gives, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from kfp_gitops.base.errors import UsageError
from kfp_gitops.language.manifest import reader
from kfp_gitops.operate import runs
from language import HEAD

BODY = """\
spec:
  parameters: {text: {type: str, default: x}, uri: {type: str, default: s3://b/x}, more: {type: dict, default: {}}}
  tasks:
    a: {component: say, arguments: {text: {concat: [y, {param: text}]}}}
    b: {importer: {uri: {param: uri}, type: Dataset}}
    c: {component: train, arguments: {data: {task: b, output: artifact}}}
    d: {pipeline: inner, arguments: {where: {param: uri}}}
"""
INNER = """\
spec:
  parameters: {where: {type: str}}
  tasks: {a: {importer: {uri: {param: where}, type: Model}}}
"""
GIVEN = [
    ({"text": "{{workflow.name}}"}, "--param text: Argo takes '{{workflow.name}}'"),
    (
        {"text": "{{$.pipeline_job_uuid}}"},
        "--param text: '{{$.pipeline_job_uuid}}' holds a placeholder of KFP",
    ),
    ({"text": 'say "x"'}, "breaks task 'a', where it is part of a text"),
    ({"text": "x" * 131_072}, "--param text: the parameters of the run are 131"),
    ({"text": "🚀"}, "--param text: a text with"),
    ({"uri": "http://h/x"}, "--param uri: KFP reads no URI like 'http://h/x'"),
    ({"uri": "s3://b"}, "--param uri: KFP downloads no whole bucket"),
    ({"more": {"a": ["{{workflow.uid}}"]}}, "--param more.a.0: Argo takes"),
]


@pytest.mark.parametrize(("given", "what"), GIVEN)
def test_what_would_break_the_run_is_refused(given: dict[str, Any], what: str) -> None:
    manifest, inner = reader.read(HEAD + BODY, "m.yaml"), {"inner": reader.read(HEAD + INNER, "inner.yaml")}
    with pytest.raises(UsageError) as refused:
        runs.refuse_unsound(manifest, inner, given)
    assert what in str(refused.value)
    runs.refuse_unsound(
        manifest, inner, {"text": "fine {{ item }}", "uri": "s3://b/y", "more": {"a": 'say "x"'}}
    )


def test_what_a_run_was_given_is_looked_at_when_it_is_run_again() -> None:
    for given in ({"text": "{{workflow.name}}"}, {"text": "x" * 131_072}, {"text": "🚀"}):
        with pytest.raises(UsageError, match="--param text: "):
            runs.refuse_unsound(None, {}, given)
    runs.refuse_unsound(None, {}, {"text": 'say "x"'})
