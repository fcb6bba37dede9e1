"""The development server takes a YAML text for what KFP takes it for: tests/data/go_yaml_scalars.jsonl is Go's word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.devserver import yamlscalars
from kfp_gitops.devserver.yamltext import YamlRefusedError, load_documents

_FILE = Path(__file__).parents[1] / "data/go_yaml_scalars.jsonl"
_VECTORS = [json.loads(line) for line in _FILE.read_text().splitlines()]


@pytest.mark.parametrize("vector", _VECTORS, ids=lambda vector: vector["text"])
def test_a_plain_scalar_is_what_yaml_v3_makes_of_it(vector: dict[str, Any]) -> None:
    found = yamlscalars.value(vector["text"])
    assert found == vector["v3"]
    assert isinstance(found, bool) == isinstance(vector["v3"], bool)
    assert load_documents(f"a: {vector['text']}\n".encode()) == [{"a": vector["v3"]}]


def test_quotes_and_tags_keep_a_text() -> None:
    text = "a: '0X1F'\nb: \"1e3\"\nc: !!str 08\nd: |-\n  1e3\ne: yes\n"
    assert load_documents(text.encode()) == [{"a": "0X1F", "b": "1e3", "c": "08", "d": "1e3", "e": "yes"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: .inf", r"unsupported value: \+Inf"),
        ("a: {1: b}", r"unsupported type: map\[interface \{\}\]interface \{\}"),
        ("a: {2001-1-1: b}", r"unsupported type: map\[interface \{\}\]interface \{\}"),
        ("a: 1\nb: 2\na: 3", 'line 3: mapping key "a" already defined at line 1'),
        ("a: {<<: b}", "map merge requires map"),
    ],
)
def test_what_go_refuses_is_refused(text: str, said: str) -> None:
    with pytest.raises(YamlRefusedError, match=said):
        load_documents(text.encode())


def test_a_merge_is_followed() -> None:
    assert load_documents(b"a: &a {b: 1}\nc: {<<: *a, d: <<}") == [{"a": {"b": 1}, "c": {"b": 1, "d": "<<"}}]
