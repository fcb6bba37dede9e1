"""Carry out one step, and say what is there afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from kfp_gitops.base.errors import UnclearError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualExperiment, ActualPipeline
from kfp_gitops.reconcile import (
    adoption,
    conflicts,
    converge,
    drift,
    inventory,
    observe,
    steps,
    swap,
    trusted,
    unclear,
)
from kfp_gitops.reconcile.api import Kfp
from kfp_gitops.reconcile.carried import description
from kfp_gitops.reconcile.inventory import View
from kfp_gitops.reconcile.records import (
    Absent,
    Desired,
    DesiredPipeline,
    Entry,
    Options,
    experiment_name,
    marked_experiment,
)

_TAG = 63
"""The most characters that a tag's value holds."""


@dataclass(frozen=True)
class Work:
    """One pipeline of one environment on one KFP."""

    api: Kfp
    desired: Desired
    wanted: Entry
    options: Options

    def next_step(self, view: View) -> steps.Step | None:
        """What is to be done next."""
        return converge.next_step(
            self.desired.owner, self.desired.keep_versions, self.wanted, view, self.options
        )

    def firing(self, view: View) -> dict[str, str]:
        """The names of the recurring runs that shall be enabled, each with the id of the successor that may be."""
        if isinstance(self.wanted, Absent):
            return {}
        wanted, now = converge.wanted_schedules(self.wanted, view, self.options), self.api.now()
        return {item.name: _successor(item, view, now) for item in wanted if item.enabled}

    def look(self, view: View) -> View:
        """What is there of the pipeline now; what others pin is as it was.

        Raises:
            TakenError: something of our names is not ours any more.
        """
        found = self.api.pipeline(self.wanted.called, adoption.read_of(self.wanted))
        pipeline = adoption.seen_as(self.wanted, found) if found else None
        experiment = self.api.experiment(experiment_name(self.wanted.name, self.desired.owner.environment))
        fresh = self.look_at_schedules(replace(view, pipeline=pipeline, experiment=experiment))
        conflicts.refuse(self.desired.owner, self.wanted, fresh, self.options)
        return fresh

    def second_look(self, step: steps.Step, view: View) -> tuple[View, bool]:
        """Before something fires: what is there is read once more, and whether the step is still what comes next.

        A list that is wrongly empty, or late, then starts nothing: two looks must agree.
        """
        match step:
            case steps.EnableSchedule():
                fresh = self._look_as_far(view)
                again = self.next_step(fresh)
                agreed = isinstance(again, steps.EnableSchedule) and again.id == step.id
                return fresh, agreed and _same_objects(step.name, view, fresh)
            case steps.StartRun():
                fresh = self._look_as_far(self._with_note(step, view))
                again = self.next_step(fresh)
                return fresh, isinstance(again, steps.StartRun) and again.name == step.name
        return view, True

    def _look_as_far(self, view: View) -> View:
        return self.look_at_schedules(view) if view.runs is None else self._look_at_runs(view)

    def _with_note(self, step: steps.StartRun, view: View) -> View:
        """With the note that this very run may have been started, if there is one."""
        found = self.api.experiment(unclear.note_name(self.desired.owner, step.name))
        noted = tuple(unclear.runs(self.desired.owner, {found.name: found})) if found else ()
        return replace(view, unclear=tuple({run.name: run for run in (*view.unclear, *noted)}.values()))

    def look_at_schedules(self, view: View) -> View:
        """The recurring runs as they are now; their runs are to be read again."""
        names = inventory.schedule_names(self.wanted) | adoption.names_in_kfp(self.wanted)
        names |= {found.called or found.name for found in view.schedules}
        found = self.api.schedules_named(names) if names else ()
        pipelines = [view.pipeline] if view.pipeline else []
        known = list(adoption.taken([self.wanted], pipelines, found))
        ours, untaken = inventory.its(self.desired.owner, self.wanted, view.pipeline, known, self.options)
        return replace(view, schedules=ours, untaken=untaken, runs=None, now=self.api.now())

    def _look_at_runs(self, view: View) -> View:
        """Also at the recurring runs once more: a swap may come next, and somebody may have touched them."""
        fresh = self.look_at_schedules(view)
        runs = tuple(observe.runs_of(self.api, self.wanted, fresh))
        return replace(fresh, runs=runs, now=self.api.now())

    def perform(self, step: steps.Step, view: View) -> View:
        """Do it.

        Raises:
            RemoteError: it failed, or may have succeeded unheard.
        """
        began = self.api.now()
        after = self._perform(step, view)
        took = self.api.now() - began
        match step:
            case steps.LookAtRuns():
                return replace(after, reading=took)
            case steps.CreateSchedule() | steps.DisableSchedule():
                return replace(after, writing=took)
        return after

    def _perform(self, step: steps.Step, view: View) -> View:
        match step:
            case steps.LookAtRuns():
                return self._look_at_runs(view)
            case steps.LookAtRunsInFlight():
                return replace(view, in_flight=tuple(self.api.runs_in_flight()))
            case steps.Wait():
                return replace(view, runs=None, now=self.api.now())
            case steps.StartRun():
                self._start(step, view)
                return replace(view, runs=None)
            case steps.DisableSchedule() | steps.EnableSchedule() | steps.DeleteSchedule():
                return self._change_schedule(step, view)
            case steps.CreateSchedule():
                return self._create_schedule(step, view)
            case _:
                return self._make(step, view)

    def _make(self, step: steps.Step, view: View) -> View:
        if isinstance(self.wanted, Absent):
            return self._unmake(step, view)
        match step:
            case steps.CreatePipeline():
                return self._create_pipeline(self.wanted, view)
            case steps.AdoptPipeline():
                return self._adopt(view)
            case steps.UploadVersion():
                return self._upload(step, view)
            case steps.CreateExperiment():
                return self._create_experiment(step, view)
        return self._unmake(step, view)

    def _create_pipeline(self, wanted: DesiredPipeline, view: View) -> View:
        text = ownership.describe(self.desired.owner, wanted.description, **self.desired.marks)
        made = adoption.seen_as(wanted, self.api.create_pipeline(wanted.called, text))
        after = replace(view, pipeline=made)
        if not made.versions and made.owner == self.desired.owner:
            return after
        # It was there already: the content of its versions is to be read, and who uses them.
        pins = observe.pinned_by_others(self.api, self.desired.owner)
        return self.look(replace(after, others=after.others | pins))

    def _adopt(self, view: View) -> View:
        """With its recurring runs, in one request: killed anywhere, all of it is ours or nothing."""
        fresh = self.look(view)
        if fresh.pipeline is None or (fresh.pipeline.owner == self.desired.owner and not fresh.untaken):
            return fresh
        taken = [found.id for found in fresh.schedules if found.called]
        self.api.adopt_pipeline(fresh.pipeline, self.desired.owner, taken)
        return self.look(fresh)

    def _create_experiment(self, step: steps.CreateExperiment, view: View) -> View:
        text = marked_experiment(self.desired.owner, self.wanted.name, **self.desired.marks)
        after = replace(view, experiment=self.api.create_experiment(step.name, text), new=True)
        conflicts.refuse(self.desired.owner, self.wanted, after, self.options)
        return after

    def _unmake(self, step: steps.Step, view: View) -> View:
        match step:
            case steps.UnarchiveExperiment():
                self.api.unarchive_experiment(_experiment(view).id)
                return replace(view, experiment=replace(_experiment(view), archived=False))
            case steps.ArchiveExperiment():
                self.api.archive_experiment(_experiment(view).id)
                return replace(view, experiment=replace(_experiment(view), archived=True))
            case steps.DeleteVersion():
                self.api.delete_version(_pipeline(view).id, step.id)
                left = {k: v for k, v in _pipeline(view).versions.items() if v.id != step.id}
                return replace(view, pipeline=replace(_pipeline(view), versions=left))
            case steps.DeletePipeline():
                self.api.delete_pipeline(_pipeline(view).id)
                return replace(view, pipeline=None)
        raise AssertionError(f"no such step: {step}")

    def _upload(self, step: steps.UploadVersion, view: View) -> View:
        assert isinstance(self.wanted, DesiredPipeline)
        wanted, pipeline = self.wanted, _pipeline(view)
        facts = {"release": wanted.release, "digest": wanted.digest, "source": wanted.source}
        facts |= {"commit": self.desired.commit or wanted.commit or self.desired.checkout}
        facts |= {"runs": ",".join(step.triggers)}
        facts = {key: value for key, value in facts.items() if value}
        tags = {key: value[:_TAG] for key, value in facts.items() if key != "runs"}
        text = ownership.describe(self.desired.owner, **facts, **self.desired.marks)
        made = self.api.upload_version(pipeline.id, wanted.version, str(wanted.ir), text, tags)
        after = replace(view, pipeline=replace(pipeline, versions={**pipeline.versions, made.name: made}))
        conflicts.refuse(self.desired.owner, wanted, after, self.options)
        return after

    def _start(self, step: steps.StartRun, view: View) -> None:
        assert isinstance(self.wanted, DesiredPipeline)
        try:
            self.api.create_run(
                name=step.name,
                pipeline_id=_pipeline(view).id,
                version_id=_pipeline(view).versions[self.wanted.version].id,
                experiment_id=_experiment(view).id,
                parameters=step.parameters,
            )
        except UnclearError as error:
            said = unclear.note(self.api, self.desired.owner, step.name)
            raise UnclearError(f"{error}{said}") from error

    def _create_schedule(self, step: steps.CreateSchedule, view: View) -> View:
        wanted = step.wanted
        assert wanted.version_id is not None
        made = self.api.create_schedule(
            name=wanted.name,
            description=description(self.desired.owner, step),
            pipeline_id=_pipeline(view).id,
            version_id=wanted.version_id,
            experiment_id=_experiment(view).id,
            schedule=wanted.schedule,
            start=step.start,
            service_account=wanted.service_account,
        )
        trusted.require(self.api, made, wanted.service_account)
        return replace(view, schedules=(*view.schedules, made), now=max(view.now, self.api.now()))

    def _change_schedule(
        self, step: steps.DisableSchedule | steps.EnableSchedule | steps.DeleteSchedule, view: View
    ) -> View:
        kept = tuple(found for found in view.schedules if found.id != step.id)
        runs = view.runs
        found = next(found for found in view.schedules if found.id == step.id)
        match step:
            case steps.DisableSchedule():
                self.api.disable_schedule(step.id)
                kept, runs = (*kept, replace(found, enabled=False)), None  # it may have fired just before
            case steps.EnableSchedule():
                self.api.enable_schedule(step.id)
                kept = (*kept, replace(found, enabled=True))
            case steps.DeleteSchedule():
                self.api.delete_schedule(step.id)
        return replace(view, schedules=kept, runs=runs, now=max(view.now, self.api.now()))


def _same_objects(name: str, one: View, other: View) -> bool:
    ids = [{found.id for found in view.schedules if found.name == name} for view in (one, other)]
    return ids[0] == ids[1]


def _successor(wanted: drift.Wanted, view: View, now: datetime) -> str:
    objects = [found for found in view.schedules if found.name == wanted.name]
    found = swap.successor(wanted, objects, now)
    return found.id if found else ""


def _pipeline(view: View) -> ActualPipeline:
    assert view.pipeline is not None
    return view.pipeline


def _experiment(view: View) -> ActualExperiment:
    assert view.experiment is not None
    return view.experiment
