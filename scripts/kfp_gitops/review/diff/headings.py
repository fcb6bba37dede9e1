"""What stands above a section of the diff: of one pipeline, or of several that change alike."""

from __future__ import annotations

from kfp_gitops.review.diff import wording
from kfp_gitops.review.diff.alike import Section
from kfp_gitops.review.diff.model import Action


def heading(found: Section) -> str:
    """What happens to its pipelines, in one line."""
    return several(found) if found.several else wording.headline(found.first)


def several(found: Section) -> str:
    """What happens to several pipelines, in one line."""
    first = found.first
    of_template = f" of template {found.template}" if found.template else ""
    who = f"{len(found.pipelines):,} pipelines{of_template}"
    if first.action is Action.ADDED:
        return f"{len(found.pipelines):,} new pipelines{of_template}"
    if first.action is Action.REMOVED:
        return f"{who} leave the manifests"
    if not found.semantic:
        return f"{who}: no semantic change"
    versions = (
        "a new version of each"
        if first.new_version
        else "not locked yet"
        if first.unlocked
        else "same versions"
    )
    how = "in the same places, each in a way of its own" if found.own else "alike"
    return f"{who} change {how}: {versions}"


def first_firings(found: Section) -> list[str]:
    """When schedules fire first that have other times in each pipeline, a line for each schedule."""
    return [
        f"schedule {schedule}: at times of its own in each; "
        + (
            f"first {wording.instants(firing.after[:1], 'UTC')[0]}, in {name}"
            if firing.after
            else "it fires nowhere"
        )
        for schedule, (name, firing) in found.own_firings.items()
    ]
