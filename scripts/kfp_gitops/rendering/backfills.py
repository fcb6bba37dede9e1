"""Backfills as a rendered environment has them: checked against the pipelines, schedules and parameters that there are.

They stand in environment.yaml, so whatever delivers that delivers them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kfp_gitops.base import yamlvalue
from kfp_gitops.base.errors import Problem, meant
from kfp_gitops.checking import check
from kfp_gitops.checking.check import given
from kfp_gitops.checking.check import schedules as crons
from kfp_gitops.checking.check.context import fits
from kfp_gitops.language import cron, firings
from kfp_gitops.language.manifest import Manifest, Schedule, nested, reader
from kfp_gitops.rendering.rendered import INNER, RenderedPipeline
from kfp_gitops.sources import brought
from kfp_gitops.sources.backfills import Backfill
from kfp_gitops.sources.components import Interface
from kfp_gitops.sources.environment import Environment

MOST = 20_000
"""Firings of one backfill: at one a minute a start, that is two weeks."""
_COUNTED = 200_000
"""As many are counted to tell how many they are; it takes a second or two."""
KEY = "backfills"


@dataclass(frozen=True)
class _Resolved:
    """A backfill, the manifest of its pipeline, and the schedule whose firings it makes up for (None: its own cron)."""

    backfill: Backfill
    manifest: Manifest
    inner: Mapping[str, Manifest]
    schedule: Schedule | None

    @property
    def cron(self) -> str:
        """Of the schedule, or its own."""
        own = str(self.backfill.value.get("cron", ""))
        return (self.schedule.cron or "") if self.schedule else own

    @property
    def tick(self) -> str | None:
        """The parameter that gets the firing's instant."""
        asked: str | None = self.backfill.value.get("tickParameter")
        return asked or firings.tick_parameter(self.texts)

    @property
    def texts(self) -> list[str]:
        """The parameters that can hold an instant."""
        return [one.name for one in self.manifest.parameters if one.type == "str"]

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What its runs are given beside the firing's instant."""
        of_schedule = self.schedule.parameters if self.schedule else {}
        return {**of_schedule, **self.backfill.value.get("parameters", {})}


def problems(env: Environment, pipelines: Sequence[RenderedPipeline]) -> Iterator[Problem]:
    """What is wrong with the backfills beside these pipelines; of a pipeline that is not among them nothing is said."""
    found = {pipeline.name: pipeline for pipeline in pipelines}
    for backfill in env.backfills:
        if not env.has(backfill.pipeline):
            known, like = ", ".join(env.pipelines) or "none", meant(backfill.pipeline, env.pipelines)
            near = f"did you mean {like!r}? " if like else ""
            todo = f"{near}there are: {known}; a backfill of a pipeline that is gone is deleted with it"
            what = f"{env.name} has no pipeline {backfill.pipeline!r}"
            yield backfill.document.problem(("pipeline",), what, todo)
        elif backfill.pipeline in found:
            yield from _of_team(env, backfill)
            yield from _of_one(backfill, found[backfill.pipeline])


def entries(
    env: Environment, pipelines: Sequence[RenderedPipeline], chosen: frozenset[str] | None
) -> dict[str, dict[str, Any]]:
    """Id → what environment.yaml says of it; of those whose pipelines are `chosen` (None: of all)."""
    found = {pipeline.name: pipeline for pipeline in pipelines}
    return {
        one.id: _entry(_resolved(one, found[one.pipeline]))
        for one in env.backfills
        if one.pipeline in found and (chosen is None or one.pipeline in chosen)
    }


def _entry(its: _Resolved) -> dict[str, Any]:
    value = its.backfill.value
    expression = cron.parse(its.cron)
    assert isinstance(expression, cron.Fields)  # checked before
    own = {"parameters": value["parameters"]} if value.get("parameters") else {}
    return {
        "id": its.backfill.id,
        "pipeline": its.backfill.pipeline,
        **({"schedule": its.schedule.name} if its.schedule else {}),
        "cron": its.cron,
        "from": value["from"],
        "to": value["to"],
        "firings": firings.number(expression, its.backfill.range, MOST),
        "tickParameter": its.tick,
        **own,
        "parallel": value["parallel"],
        "order": value["order"],
        "skipExisting": value["skipExisting"],
        "reason": value["reason"],
    }


def _resolved(backfill: Backfill, pipeline: RenderedPipeline) -> _Resolved:
    path = f"{backfill.pipeline}/pipeline.yaml"
    manifest = reader.unchecked(yamlvalue.parse(pipeline.manifest, path))
    manifest = brought.completed(manifest, brought.read_all(pipeline.irs, backfill.pipeline, manifest.ir))
    texts = pipeline.inner.items() if backfill.value.get("parameters") else ()
    inner = {name: reader.read(text, f"{backfill.pipeline}/{INNER}/{name}.yaml") for name, text in texts}
    return _Resolved(backfill, manifest, inner, _schedule(backfill, manifest))


def _schedule(backfill: Backfill, manifest: Manifest) -> Schedule | None:
    asked, known = backfill.value.get("schedule"), manifest.schedules
    if asked is None:
        return known[0] if len(known) == 1 and "cron" not in backfill.value else None
    return next((one for one in known if one.name == asked), None)


def _of_team(env: Environment, backfill: Backfill) -> Iterator[Problem]:
    """What stands in a team's folder is reviewed by that team alone."""
    whose = env.team_of(backfill.pipeline)
    if backfill.team and backfill.team != whose:
        owner = f"the team {whose}" if whose else "no team"
        what = f"{backfill.pipeline!r} is of {owner}, and this is the folder of the team {backfill.team}"
        todo = "a team backfills its own pipelines: have those ask whose it is, or move the file up into backfills/"
        yield backfill.document.problem(("pipeline",), what, todo)
    most = env.teams.limits(whose).get("parallelRuns")
    if most is not None and backfill.value["parallel"] > most:
        what = (
            f"parallel is {backfill.value['parallel']}, and team {whose} is limited by parallelRuns: {most}"
        )
        todo = f"lower it, or have the limit reviewed ({env.teams.where(whose, 'parallelRuns')})"
        yield backfill.document.problem(("parallel",), what, todo)


def _of_one(backfill: Backfill, pipeline: RenderedPipeline) -> Iterator[Problem]:
    its = _resolved(backfill, pipeline)
    wrong = [*_when(its)]
    yield from wrong
    if not wrong:
        yield from _how_many(its)
    yield from _tick(its)
    yield from _parameters(its)


def _when(its: _Resolved) -> Iterator[Problem]:
    """Whose firings they are."""
    value, document = its.backfill.value, its.backfill.document
    names = ", ".join(one.name for one in its.manifest.schedules) or "none"
    if "cron" in value:
        if refusal := crons.refusal(value["cron"]):
            yield document.problem(("cron",), *refusal)
    elif its.schedule is None:
        asked = value.get("schedule")
        what = f"{its.backfill.pipeline!r} has no schedule {asked!r}" if asked else f"no `schedule`: {names}"
        if not asked and not its.manifest.schedules:
            what, todo = f"{its.backfill.pipeline!r} has no schedule", "give a `cron` of its own, six fields"
        else:
            todo = f"name one of: {names}" if its.manifest.schedules else "give a `cron` of its own instead"
        if not asked and its.manifest.schedules:
            what = f"{its.backfill.pipeline!r} has {len(its.manifest.schedules)} schedules, and none is named"
        yield document.problem(("schedule" if asked else "pipeline",), what, todo)
    elif its.schedule.cron is None or isinstance(cron.parse(its.schedule.cron), cron.Every):
        what = f"the schedule {its.schedule.name!r} has an interval: it has no firings but those that were"
        todo = "give a `cron` of its own in place of `schedule`"
        yield document.problem(("schedule" if "schedule" in value else "pipeline",), what, todo)


def _how_many(its: _Resolved) -> Iterator[Problem]:
    expression, document = cron.parse(its.cron), its.backfill.document
    assert isinstance(expression, cron.Fields)
    number = firings.number(expression, its.backfill.range, _COUNTED)
    if number > MOST:
        told = f"{number:,}" if number <= _COUNTED else f"more than {_COUNTED:,}"
        what = f"{told} firings of {its.cron!r} are in it, a backfill has at most {MOST:,}"
        yield document.problem(("to",), what, "end it earlier, and write further ones for the rest")
    elif not number:
        what = f"{its.cron!r} fires at no time in it"
        yield document.problem(("from",), what, "correct the days, or take the file out")


def _tick(its: _Resolved) -> Iterator[Problem]:
    document, texts = its.backfill.document, ", ".join(its.texts) or "none"
    asked = its.backfill.value.get("tickParameter")
    if asked is not None and asked not in its.texts:
        what = f"{its.backfill.pipeline!r} has no text parameter {asked!r}"
        yield document.problem(("tickParameter",), what, f"there are: {texts}")
    elif its.tick is None:
        what = (
            f"{its.backfill.pipeline!r} has no parameter for the firing's instant, so all runs would be alike"
        )
        todo = f"declare a text `scheduled_at`, or name one as `tickParameter`; there are: {texts}"
        yield document.problem(("pipeline",), what, todo)
    elif its.tick in its.backfill.value.get("parameters", {}):
        what = f"{its.tick!r} gets the instant of each firing"
        yield document.problem(("parameters", its.tick), what, "take it out, or name another `tickParameter`")


def _parameters(its: _Resolved) -> Iterator[Problem]:
    document, own = its.backfill.document, its.backfill.value.get("parameters", {})
    declared = {one.name: one for one in its.manifest.parameters if not one.final_status}
    for name, value in own.items():
        at = ("parameters", name)
        if name not in declared:
            known = ", ".join(declared) or "none"
            what = f"{its.backfill.pipeline!r} has no parameter {name!r}"
            yield document.problem(at, what, f"there are: {known}", key=True)
        elif not fits(value, declared[name].type):
            what = f"{name!r} is no {declared[name].type}"
            yield document.problem(at, what, f"write a value of the type {declared[name].type}")
    missing = {
        one.name for one in declared.values() if one.required and one.name not in {*its.parameters, its.tick}
    }
    for name in sorted(missing):
        what = f"its runs would have no {name!r}, which has no default"
        yield document.problem(("pipeline",), what, f"write `parameters: {{{name}: …}}`")
    yield from _unsound(its, {name: value for name, value in own.items() if name in declared})


def _unsound(its: _Resolved, own: Mapping[str, Any]) -> Iterator[Problem]:
    """What KFP or Argo would not take as it is."""
    interfaces: dict[str, Interface] = {}
    for name in nested.innermost_first(its.manifest, its.inner) if own else ():
        interfaces[name] = check.interface(its.inner[name], {}, interfaces)
    for name, what, todo in given.faults(its.manifest, interfaces, own) if own else ():
        at = ("parameters", *name.split("."))
        at = at if name.partition(".")[0] in own else ("pipeline",)
        yield its.backfill.document.problem(at, what, todo)
