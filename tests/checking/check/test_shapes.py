"""Manifests of one shape: either something is to be told about each of them, or about none."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kfp_gitops.base.yamldump import dump
from kfp_gitops.checking import check
from kfp_gitops.language.manifest import reader
from language import COMPONENTS, HEAD
from manifest_strategy import Writer
from profiles import examples

BODY = """\
spec:
  parameters:
    name: {type: str, default: some words}
    size: {type: str, default: 1Gi}
    few: {type: dict, default: {a: b, n: [1, 2.5]}}
  tasks:
    a:
      component: list_names
      arguments: {count: 3, prefix: {param: name}}
      resources: {memory: {request: {param: size}, limit: 2Gi}}
schedules:
- {name: daily, cron: '0 0 3 * * *', enabled: true, maxConcurrency: 1, catchup: false}
"""
ALIKE = [
    ("some words", "other words"),
    ("{name: p, description: d, owner: o}", "{name: p-2, description: 'e, f', owner: someone}"),
    ("{a: b, n: [1, 2.5]}", "{a: bb, n: [-7, 2.25]}"),
    ("count: 3", "count: 40000"),
    ("0 0 3 * * *", "0 15,45 3-5 * * 1"),
]
APART = [
    (
        "size: {type: str, default: 1Gi}",
        "size: {type: str, default: 3Gi}",
    ),  # a rule of Kubernetes looks at it
    ("some words", "'{{workflow.uid}}'"),
    ("some words", "'[[CurrentTime]]'"),
    ("some words", "'two\\n  lines'"),
    ("some words", "''"),
    ("some words", "7"),
    ("some words", "wörter"),
    ("{a: b, n: [1, 2.5]}", "{a: b, n: [1, 2]}"),
    ("{a: b, n: [1, 2.5]}", "{a: b}"),
    ("{a: b, n: [1, 2.5]}", "{a: null, n: [1, 2.5]}"),
    ("count: 3", "count: 9007199254740993"),
    ("count: 3", "count: true"),
    ("count: 3", "count: 3.5"),
    ("{param: name}", "{param: size}"),
    ("0 0 3 * * *", "* 0 3 * * *"),
    ("0 0 3 * * *", "0 0 3 31 2 *"),
    ("limit: 2Gi", "limit: 4Gi"),
    ("name: daily", "name: nightly"),
]
LEAVES: tuple[Any, ...] = (
    *(
        "words",
        "2Gi",
        "500m",
        "a b",
        "s3://bucket/key",
        "",
        "true",
        "0 0 3 * * *",
        "* * * * * *",
        "0 3 * * *",
        "0 0 3 * * 1",
        "26h",
    ),
    *("{{workflow.uid}}", "{{channel:x}}", "[[CurrentTime]]", 'a"b', "two\nlines", "\U0001f600", "x" * 600),
    *(0, 1, -5, 2**53, 2**53 + 1, 1.5, 2.0, True, False, None, [], {}, ["a"], {"k": "v"}),
)


def _told(text: str) -> bool:
    """Whether there is anything to tell about a manifest that its schema accepts."""
    found = check.findings(reader.read(text, "m.yaml"), COMPONENTS, {})
    return any(found)


def _shape(text: str) -> bytes | None:
    return check.shape(reader.read(text, "m.yaml").document.value)


@pytest.mark.parametrize(("old", "new"), ALIKE)
def test_plain_words_and_numbers_that_no_check_reads_make_no_other_shape(old: str, new: str) -> None:
    """Or each pipeline of a template would be checked for itself."""
    text = HEAD + BODY
    assert old in text
    assert _shape(text) == _shape(text.replace(old, new))
    assert _told(text) == _told(text.replace(old, new))


def test_when_schedules_fire_counts_only_by_what_they_cannot_keep_of_a_promise() -> None:
    """Or each pipeline of a template with a cron of its own would be checked for itself."""
    text = (HEAD + BODY).replace("count: 3", "").replace("prefix: {param: name}", "").replace("{, }", "{}")
    text += "slo: {fresh: 26h}\n"
    assert _shape(text) == _shape(text.replace("0 0 3 * * *", "0 30 4 * * *"))
    weekly, monthly = (text.replace("0 0 3 * * *", cron) for cron in ("0 0 3 * * 1", "0 0 3 1 * *"))
    assert [_told(one) for one in (text, weekly, monthly)] == [False, True, True]
    assert len({_shape(one) for one in (text, weekly, monthly)}) == 3


@pytest.mark.parametrize(("old", "new"), APART)
def test_what_a_check_could_read_makes_another_shape(old: str, new: str) -> None:
    text = HEAD + BODY
    assert old in text
    assert _shape(text) != _shape(text.replace(old, new))


def test_what_is_as_large_as_an_argument_of_kfp_may_not_be_is_checked_by_itself() -> None:
    """Many small words are too large together, and no word tells how long it is."""
    many = ", ".join(f"k{i}: word" for i in range(2000))
    assert _shape((HEAD + BODY).replace("{a: b, n: [1, 2.5]}", f"{{{many}}}")) is None


def _leaves(data: Any, around: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any, bool]]:
    """(map or list, key, whether a shape may leave it out) of every text, number, true, false and null in data."""
    for key in list(data) if isinstance(data, dict) else range(len(data)):
        at = (*around, key)
        if isinstance(data[key], dict | list):
            yield from _leaves(data[key], at)
        else:
            yield data, key, not {"metadata", "default", "arguments", "cron", "parameters"}.isdisjoint(at)


def pair(choice: Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """A manifest with a schedule, and the same with one to three other values."""
    one = copy.deepcopy(Writer(choice).manifest())  # parts of it may be one object
    given = {name: choice.choice(LEAVES) for name in one["spec"]["parameters"] if choice.random() < 0.3}
    timed = {
        "cron": choice.choice(("0 0 3 * * *", "0 30 4 * * *", "* 0 3 * * *", "0 0 3 * * 1")),
        "parameters": given,
    }
    one["schedules"] = [{"name": "s", "enabled": True, "maxConcurrency": 1, "catchup": False, **timed}]
    if choice.random() < 0.3:
        one["slo"] = {"fresh": choice.choice(("26h", "8d")), "duration": "45m"}
    other = copy.deepcopy(one)
    for _ in range(choice.randint(1, 3)):
        leaves = list(_leaves(other))
        data, key, _ = choice.choice(
            [leaf for leaf in leaves if leaf[2]] if choice.random() < 0.9 else leaves
        )
        same = [leaf for leaf in LEAVES if type(leaf) is type(data[key])]
        data[key] = choice.choice(same if same and choice.random() < 0.8 else LEAVES)
    return one, other


@settings(max_examples=examples(2000), suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_manifests_of_one_shape_are_right_together_or_wrong_together(choice: Random) -> None:
    """What is remembered of one is true of the other."""
    texts = [dump(manifest) for manifest in pair(choice)]
    documents = [reader.parse(text, "m.yaml") for text in texts]
    if all(map(reader.is_valid, documents)):
        shapes = [check.shape(document.value) for document in documents]
        if shapes[0] is not None and shapes[0] == shapes[1]:
            assert _told(texts[0]) == _told(texts[1])
