"""What `diff --format html` shows beside the diff's records: the states, a week of schedules, what the policy says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from kfp_gitops.base import memo
from kfp_gitops.base.errors import GitOpsError, InputError
from kfp_gitops.commands.judgement import Asked, judged
from kfp_gitops.review.diff.between.following import following
from kfp_gitops.review.diff.calendar import Calendar, calendar
from kfp_gitops.review.diff.model import EnvironmentDiff, SharedDiff
from kfp_gitops.review.diff.state import State
from kfp_gitops.review.page.evidence import Evidence, Judged
from kfp_gitops.review.page.week import Week
from kfp_gitops.review.page.whole import to_html
from kfp_gitops.review.policy import POLICY
from kfp_gitops.review.policy.demands import Changed
from kfp_gitops.sources import environment

Sides = Mapping[str, tuple[State, State]]


Chosen = Mapping[str, frozenset[str]]
"""Environment → the pipelines that were asked for."""


def page(
    root: Path,
    found: Sequence[EnvironmentDiff],
    common: SharedDiff,
    sides: Sides,
    start: datetime,
    chosen: Chosen | None,
) -> str:
    """The page of these records, of the `chosen` pipelines alone; the week of schedules begins at `start`."""
    weeks = {
        one.environment: _week(one, *sides[one.environment], start, _of(chosen, one.environment))
        for one in found
        if one.semantic
    }
    policy = _judged(root, found, common, sides, chosen)
    return to_html(found, common, Evidence(datetime.now(UTC), sides, weeks, policy))


def _of(chosen: Chosen | None, name: str) -> frozenset[str] | None:
    return None if chosen is None else chosen[name]


def _is_large(state: State) -> bool:
    return len(state.entries()) >= memo.FEWEST


def _week(
    found: EnvironmentDiff, before: State, after: State, start: datetime, chosen: frozenset[str] | None
) -> Week:
    """Of all its pipelines, or of those that were asked for; where those are many, of those that change."""
    part, said = chosen, "the pipelines that were asked for"
    if part is None and (_is_large(before) or _is_large(after)):
        part = frozenset(one.name for one in found.pipelines if one.semantic)
        said = "the pipelines that change, for there are many"
    both = [_calendar(found, state, start, part) for state in (before, after)]
    return Week(both[0], both[1], said if part is not None else "")


def _calendar(found: EnvironmentDiff, state: State, start: datetime, part: frozenset[str] | None) -> Calendar:
    folders = state.pipelines()
    manifests = {
        name: entry.in_force(folders[name], start)
        for name, entry in state.entries().items()
        if name in folders and (part is None or name in part)
    }
    still = state.idle(start) if part is None else {}
    takes = found.between.takes if found.between else {}
    return calendar(
        found.environment, found.zone, manifests, start, still, following(state, start, takes, part)
    )


def _judged(
    root: Path, found: Sequence[EnvironmentDiff], common: SharedDiff, sides: Sides, chosen: Chosen | None
) -> Judged | None:
    """What the policy says of the files that differ; of all of them, where the policy itself does. None without one.

    What cannot be read is told in its place: the page is of use without the policy's judgement.
    """
    if not (root / POLICY).exists():
        return None
    known = environment.names(root)
    names = [one.environment for one in found if one.environment in known]
    whole = any(change.name == POLICY for change in common.changes)
    parts = None if whole else {name: _differs(*sides[name], _of(chosen, name)) for name in names}
    asked = Asked(root, known, names, datetime.now(UTC).date(), beside=common.semantic, parts=parts)
    try:
        told = judged(asked, [*_changed(found)], found[0].base if found else None)
    except InputError as error:
        return Judged(refused=error.problems)
    except GitOpsError as error:
        return Judged(said=f"nothing could be judged: {error}")
    of_what = "" if whole else " of the files that differ; `python scripts/policy.py` judges all"
    return Judged(told.refused, told.demanded, f"{told.said}{of_what}")


def _differs(before: State, after: State, chosen: frozenset[str] | None) -> frozenset[str]:
    """The files that are new or other; of pipelines' folders those of the chosen ones."""
    return frozenset(
        path
        for path, text in after.texts.items()
        if before.texts.get(path) != text and (chosen is None or _is_of(path, chosen))
    )


def _is_of(path: str, chosen: frozenset[str]) -> bool:
    top, _, rest = path.partition("/")
    return top != "pipelines" or rest.partition("/")[0] in chosen


def _changed(found: Sequence[EnvironmentDiff]) -> Iterator[Changed]:
    for one in found:
        for item in one.pipelines:
            yield Changed(one.environment, item.name, item.category, tuple(item.breaks))
