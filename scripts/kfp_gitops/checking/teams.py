"""How far a team may go (environments/teams.yaml), against what its pipelines are once they are rendered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.checking.named import Start, Use
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.teams import TEAMS

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = {
    "registries": "image",
    "secrets": "Secret",
    "configMaps": "ConfigMap",
    "volumeClaims": "volume claim",
    "data": "data at",
}
_NOT_HERE = "take it out of the team's file, or have the limit reviewed"


def is_limited(env: Environment, pipeline: str) -> bool:
    """Whether there is anything to look at for it."""
    return bool(env.teams.limits(env.team_of(pipeline)))


def counts(env: Environment, pipeline: str) -> bool:
    """Whether its schedules count for limits of its team."""
    return bool({"schedules", "parallelRuns"} & env.teams.limits(env.team_of(pipeline)).keys())


def problems(env: Environment, pipeline: str, uses: Iterable[Use]) -> Iterator[Problem]:
    """What one pipeline is or uses beyond the limits of its team, at its place in the team's file."""
    limits = env.teams.limits(env.team_of(pipeline))
    template = env.template_of(pipeline)
    if not _fits(template, limits.get("templates")):
        yield _beyond(env, pipeline, f"is of the template {template!r}", "templates")
    for use in uses:
        allowed = limits.get(use.kind)
        if allowed is None or (use.name and _allows(use, allowed)):
            continue
        known = repr(use.name) if use.name else "that is named only when it runs"
        yield _beyond(env, pipeline, f"uses the {_WORDS[use.kind]} {known} ({use.where})", use.kind)


def _allows(use: Use, allowed: Sequence[str]) -> bool:
    if use.kind == "registries":
        return any(use.name.startswith(f"{start.rstrip('/')}/") for start in allowed)
    return _fits(use.name, allowed)


def _fits(name: str, allowed: Sequence[str] | None) -> bool:
    return allowed is None or any(fnmatchcase(name, pattern) for pattern in allowed)


def problems_of_all(
    env: Environment, kfp: Mapping[str, Any], starts: Mapping[str, Sequence[Start]]
) -> Iterator[Problem]:
    """What the pipelines of a team are together beyond its limits; `starts` are what starts runs of each."""
    by_team: dict[str, list[str]] = {}
    for pipeline in env.pipelines:
        by_team.setdefault(env.team_of(pipeline), []).append(pipeline)
    for team, pipelines in by_team.items():
        limits = env.teams.limits(team)
        yield from _place(env, pipelines[0], limits, kfp)
        if team:
            yield from _accounts(env, pipelines, limits)
        its = [(pipeline, start) for pipeline in pipelines for start in starts.get(pipeline, ())]
        schedules = [(pipeline, start) for pipeline, start in its if start.kind == "schedule"]
        yield from _schedules(env, limits.get("schedules", {}), schedules)
        yield from _parallel(env, limits.get("parallelRuns"), its)


def _place(
    env: Environment, pipeline: str, limits: Mapping[str, Any], kfp: Mapping[str, Any]
) -> Iterator[Problem]:
    namespace, account = kfp["namespace"], kfp.get("serviceAccount", "")
    if not _fits(namespace, limits.get("namespaces")):
        what = f"runs in the namespace {namespace!r} of {env.name}"
        yield _beyond(env, pipeline, what, "namespaces")
    if not _fits(account, limits.get("serviceAccounts")) or ("serviceAccounts" in limits and not account):
        named = (
            f"as the service account {account!r}"
            if account
            else "as whom KFP decides (no kfp.serviceAccount)"
        )
        yield _beyond(env, pipeline, f"runs {named} in {env.name}", "serviceAccounts")


def _accounts(env: Environment, pipelines: Sequence[str], limits: Mapping[str, Any]) -> Iterator[Problem]:
    """Service accounts of recurring runs that were made in KFP: a team takes those alone that it was given."""
    for pipeline in pipelines:
        for name, its in env.adopts(pipeline).get("schedules", {}).items():
            account = its.get("serviceAccount", "")
            if not account or _fits(account, limits.get("serviceAccounts", [])):
                continue
            what = f"takes over the schedule {name!r} with the service account {account!r}"
            if "serviceAccounts" in limits:
                yield _beyond(env, pipeline, what, "serviceAccounts")
            else:
                said = f"{pipeline!r} {what}, which team {env.team_of(pipeline)} was not given"
                todo = f"take `serviceAccount` out, or write it into {TEAMS} under `limits.serviceAccounts`"
                yield env.values.problem(("pipelines", pipeline), said, todo, key=True)


def _schedules(
    env: Environment, limits: Mapping[str, Any], starts: Sequence[tuple[str, Start]]
) -> Iterator[Problem]:
    if "every" in limits:
        least = int(limits["every"][:-1]) * _SECONDS[limits["every"][-1]]
        for pipeline, start in starts:
            if start.every and start.every < least:
                what = f"has the schedule {start.name!r}, which fires after {start.every:g} s"
                yield _beyond(env, pipeline, what, "schedules", "every")
    most = limits.get("most")
    if most is not None and len(starts) > most:
        what = f"has a schedule that is one of {len(starts)} that are on in {env.name}"
        yield _beyond(env, starts[most][0], what, "schedules", "most")


def _parallel(env: Environment, most: int | None, starts: Sequence[tuple[str, Start]]) -> Iterator[Problem]:
    total = 0
    for pipeline, start in starts if most is not None else ():
        total += start.at_once
        if most is not None and total > most >= total - start.at_once:
            whole = sum(one.at_once for _, one in starts)
            runs = f"{whole} runs may be under way at once in {env.name}"
            what = f"has the {start.kind} {start.name!r}, with which {runs}"
            yield _beyond(env, pipeline, what, "parallelRuns")


def _beyond(env: Environment, pipeline: str, what: str, *limit: str) -> Problem:
    team = env.team_of(pipeline)
    allowed: Any = env.teams.limits(team)
    for key in limit:
        allowed = allowed[key]
    shown = ", ".join(map(repr, allowed)) or "none" if isinstance(allowed, list) else allowed
    said = f"{pipeline!r} {what}, and team {team} is limited by {'.'.join(limit)}: {shown}"
    todo = f"{_NOT_HERE} ({env.teams.where(team, *limit)})"
    return env.values.problem(("pipelines", pipeline), said, todo, key=True)
