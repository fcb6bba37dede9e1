"""A gate that is not one: what is told leads to one."""

from __future__ import annotations

import pytest
from kfp_gitops.base import schema
from kfp_gitops.base.yamltext import parse


@pytest.mark.parametrize("name", ["team", "values"])
@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("wape", 'is "wape", not a map; write a map, such as {"metric": "accuracy", "min": 0.8}'),
        ("{output: wape, min: 1}", "lacks 'metric'; add `metric:`"),
        ("{metric: wape}", "has none of min, max; write `min`, `max` or both"),
    ],
)
def test_what_is_written_in_place_of_a_gate(gate: str, said: str, name: str) -> None:
    document = parse(
        f"pipelines:\n  a:\n    values: {{}}\n    promote: {{require: [{gate}]}}\n", "values.yaml"
    )
    about = [
        str(one) for one in schema.problems(schema.named(name), document) if "promote.require.0" in str(one)
    ]
    assert f"values.yaml:4:25: pipelines.a.promote.require.0 {said}" in about[0]
    assert len([one for one in about if "`min`, `max` or both" in one]) == ("max" in said)
