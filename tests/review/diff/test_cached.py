"""A change that KFP's cache does not see is told to who reviews it."""

from __future__ import annotations

from typing import Any

import pytest
from kfp_gitops.review.diff import cached, nodes


def _told(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    left, right = ({"spec": {"tasks": {"a": {"component": "c", **task}}}} for task in (before, after))
    changes = [*nodes.changes(nodes.flat(left), nodes.flat(right))]
    return [*cached.warnings(changes, right)]


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ({"env": {"MODE": "a"}}, {"env": {"MODE": "b"}}, "env.MODE"),
        ({}, {"env": {"MODE": "b"}}, "env"),
        (
            {"env": {"T": {"secret": "s", "key": "k"}}},
            {"env": {"T": {"secret": "t", "key": "k"}}},
            "env.T.secret",
        ),
        ({"volumes": {"/d": {"secret": "s"}}}, {"volumes": {"/d": {"secret": "t"}}}, "volumes./d.secret"),
    ],
)
def test_variables_and_secrets_are_not_in_the_key(
    before: dict[str, Any], after: dict[str, Any], field: str
) -> None:
    (found,) = _told(before, after)
    assert found.startswith(f"task a: {field} is not in the cache key of KFP up to 2.17")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"env": {"MODE": "a"}, "cache": False}, {"env": {"MODE": "b"}, "cache": False}),
        ({"env": {"MODE": "a"}, "arguments": {"x": 1}}, {"env": {"MODE": "b"}, "arguments": {"x": 2}}),
        ({"volumes": {"/d": {"pvc": "s"}}}, {"volumes": {"/d": {"pvc": "t"}}}),
        ({"retry": {"count": 1}}, {"retry": {"count": 2}}),
    ],
)
def test_what_makes_a_new_key_or_uses_none_is_not_told(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert _told(before, after) == []
