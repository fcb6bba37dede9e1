"""What no pipeline shows alone: two that clash, and those of a team that are too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfp_gitops.base import yamlvalue
from kfp_gitops.base.errors import Problem
from kfp_gitops.base.memo import Memo
from kfp_gitops.checking import named, teams
from kfp_gitops.checking.named import Start
from kfp_gitops.kfpserver.ownership import same
from kfp_gitops.language.manifest import reader
from kfp_gitops.rendering import backfills, links
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources.environment import Environment


def problems(env: Environment, pipelines: Sequence[RenderedPipeline], memo: Memo) -> Iterator[Problem]:
    """What is wrong with the pipelines of an environment as they are together."""
    yield from _one_name_for_two(env, pipelines)
    yield from _of_kfp(env, pipelines)
    yield from _beyond_limits(env, pipelines, memo)
    yield from links.problems(env, pipelines, memo)
    yield from backfills.problems(env, pipelines)


def _one_name_for_two(env: Environment, pipelines: Sequence[RenderedPipeline]) -> Iterator[Problem]:
    """Schedules of two pipelines with one name in KFP, which is made of both names: a-b and c, a and b-c.

    Only a pipeline whose name begins with another one's can have one, so hardly a manifest is read again.
    """
    found = {pipeline.name: pipeline for pipeline in pipelines}
    for name, pipeline in found.items():
        parts = name.split("-")
        others = ("-".join(parts[:length]) for length in range(1, len(parts)))
        for other in (other for other in others if other in found):
            for both in sorted(_schedules(pipeline) & _schedules(found[other])):
                what = f"schedules of {other!r} and {name!r} have one name in KFP: {both!r}"
                yield env.values.problem(("pipelines", name), what, "rename one of them", key=True)


def _of_kfp(env: Environment, pipelines: Sequence[RenderedPipeline]) -> Iterator[Problem]:
    """What was made in KFP is one thing here, and what it is must be there."""
    yield from _one_of_kfp_for_two(env)
    for pipeline in pipelines:
        adopts, at = env.adopts(pipeline.name), ("pipelines", pipeline.name, "adopts")
        recurring: dict[str, str] = {}
        names = _schedules(pipeline) if adopts.get("schedules") else set()
        for schedule, its in adopts.get("schedules", {}).items():
            here = (*at, "schedules", schedule)
            if f"{pipeline.name}-{schedule}" not in names:
                todo = "write it into the pipeline's schedules, or take this out: the recurring run goes then"
                yield env.values.problem(
                    here, f"{pipeline.name!r} has no schedule {schedule!r}", todo, key=True
                )
            if (one := recurring.setdefault(its["recurringRun"], schedule)) != schedule:
                what = f"{one!r} and {schedule!r} are both the recurring run {its['recurringRun']!r}"
                yield env.values.problem(here, what, "name it in one of them", key=True)


def _one_of_kfp_for_two(env: Environment) -> Iterator[Problem]:
    """Tombstones as well: by one that adopts another's pipeline that would be deleted as if it were its own."""
    first: dict[str, str] = {}
    for name in (*env.pipelines, *env.absent):
        called = str(env.adopts(name).get("pipeline", name))
        if (other := first.setdefault(same(called), name)) != name:
            what = f"{other!r} and {name!r} are both the pipeline {called!r} of KFP"
            yield env.values.problem(("pipelines", name), what, "name it in one of them", key=True)


def _schedules(pipeline: RenderedPipeline) -> set[str]:
    """The names of its recurring runs."""
    schedules = yamlvalue.parse(pipeline.manifest, pipeline.name).value.get("schedules", ())
    return {f"{pipeline.name}-{schedule['name']}" for schedule in schedules}


def _beyond_limits(env: Environment, pipelines: Sequence[RenderedPipeline], memo: Memo) -> Iterator[Problem]:
    """What the pipelines of a team are together."""
    starts = {
        pipeline.name: _starts(pipeline, memo) for pipeline in pipelines if teams.counts(env, pipeline.name)
    }
    return teams.problems_of_all(env, env.kfp, starts)


def _starts(pipeline: RenderedPipeline, memo: Memo) -> Sequence[Start]:
    """The schedules and triggers of a pipeline that are on: thousands of manifests are not read again for them."""
    key = f"starts {pipeline.digest}"
    if key not in memo.known:
        document = yamlvalue.parse(pipeline.manifest, pipeline.name)
        starts = named.starts(reader.schedules(document.value), reader.triggers(document.value))
        memo.fresh[key] = named.to_text(starts)
        return named.from_text(memo.fresh[key])
    memo.carry_over(key)
    return named.from_text(memo.known[key])
