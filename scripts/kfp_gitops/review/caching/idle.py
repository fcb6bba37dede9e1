"""Schedules that do nothing from their second firing on: every key is the same, so the cache answers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp_gitops.review.caching import read
from kfp_gitops.review.caching.side import Side
from kfp_gitops.review.caching.starts import scheduled
from kfp_gitops.review.caching.values import Motion

WHY = "from its second firing on, KFP's cache answers every task, and nothing runs"
TODO = "write `cache: false` at the task that reads what moves, or hand it {run: schedule-time}"


def idle(side: Side, *, enabled: bool = False) -> list[str]:
    """The schedules (of those that are on, with `enabled`) of which every firing has the keys of the first.

    A task whose key depends on a value that may come out another is taken for one that runs.
    """
    wanted = [one for one in scheduled(side.manifest) if one.get("enabled") or not enabled]
    return [str(one["name"]) for one in wanted if _stands_still(side, one.get("parameters") or {})]


def warnings(side: Side) -> list[str]:
    """A line for each that is on."""
    return [f"schedule {name}: {WHY}; {TODO}" for name in idle(side, enabled=True)]


def _stands_still(side: Side, parameters: Mapping[str, Any]) -> bool:
    """Macros in the parameters of a schedule are not expanded (language.macros): they are texts like any other."""
    try:
        steps = read.steps(side, parameters)
    except read.UnreadableError:
        return False
    return bool(steps) and all(step.motion is Motion.STEADY for step in steps)
